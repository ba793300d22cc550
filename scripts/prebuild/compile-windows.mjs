/**
 * Compiles the addon and the helper program for Windows. Neither has a C or C++ runtime: what they import is listed in
 * native/windows/imports, by library, and nothing else can be linked. The addon's host is the exception: its functions are
 * bound when they are first used, by code of the addon's own, because the host is not always called node.exe.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const language = ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fno-sanitize=all', '-fvisibility=hidden']
const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-command-line-argument']
/** No library may be needed: no guards of statics, no probes of the stack, no calls that a compiler makes up. */
const bare = ['-ffreestanding', '-fno-stack-protector', '-fno-threadsafe-statics', '-mno-stack-arg-probe']
const small = ['-Os', '-ffunction-sections', '-fdata-sections', '-fno-asynchronous-unwind-tables', '-g0']
const oldestWindows = '_WIN32_WINNT=0x0A00'
const machines = { x64: { library: 'i386:x86-64', image: 'x64' }, arm64: { library: 'arm64', image: 'arm64' } }

/** The libraries that a file may import, and whose functions. */
export function importLists(source) {
  const folder = path.join(source, 'native/windows/imports')
  return readdirSync(folder)
    .filter(name => name.endsWith('.def'))
    .sort()
    .map(name => path.join(folder, name))
}

/**
 * Builds one target into `out`, with objects in `work`; `zigRun` runs the compiler in `source`. `only` leaves the other file
 * out, `define` adds macros. Returns the paths of what was made.
 */
export function compileWindows(
  target,
  { source, zigRun, work, out, headers, only = ['helper', 'addon'], define = [] },
) {
  mkdirSync(work, { recursive: true })
  const lists = JSON.parse(readFileSync(path.join(source, 'native/sources.json'), 'utf8')).windows
  const machine = machines[target.architecture]
  const compileAll = (names, flags) =>
    names.map(name => {
      const object = path.join(work, `${name.replaceAll('/', '_')}.obj`)
      const macros = ['UNICODE', 'WIN32_LEAN_AND_MEAN', 'CASTELLAN_NO_RUNTIME', ...define].map(macro => `-D${macro}`)
      const maps = [`-ffile-prefix-map=${source}=.`]
      const all = [
        '-U_WIN32_WINNT',
        `-D${oldestWindows}`,
        ...language,
        ...warnings,
        ...bare,
        ...small,
        ...macros,
        ...maps,
        ...flags,
      ]
      zigRun('c++', '-c', '-target', target.zig, ...all, `native/${name}`, '-o', object)
      return object
    })
  const libraries = importLists(source).map(list => {
    const library = path.join(work, `${path.basename(list, '.def')}.lib`)
    zigRun('dlltool', '-m', machine.library, '-d', list, '-l', library)
    return library
  })
  const link = (...args) =>
    zigRun(
      ...['lld-link', '/nologo', `/machine:${machine.image}`, '/nodefaultlib', '/opt:ref', '/opt:icf', '/Brepro'],
      ...['/dynamicbase', '/highentropyva', '/nxcompat', '/largeaddressaware'],
      ...args,
      ...libraries,
    )

  const made = []
  if (only.includes('helper')) {
    const helper = path.join(out, target.helper)
    link('/entry:CastellanHelper', '/subsystem:console,10.0', ...compileAll(lists.helper, []), `/out:${helper}`)
    chmodSync(helper, 0o755)
    made.push(helper)
  }
  if (only.includes('addon')) {
    const addon = path.join(out, target.file)
    const objects = compileAll(lists.addon, [`-I${headers}`, `-ffile-prefix-map=${headers}=node`])
    link('/dll', '/entry:CastellanAddon', '/delayload:node.exe', ...objects, `/out:${addon}`)
    chmodSync(addon, 0o644)
    made.push(addon)
  }
  return made
}
