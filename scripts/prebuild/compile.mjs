/**
 * Compiles the addon, and the helper program, for one target. Sources and macros are those of binding.gyp; flags differ where
 * the compiler does. Paths are relative to the repository and mapped away, so that the bytes do not depend on where it lies.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { compileWindows } from './compile-windows.mjs'
import { signAdHoc, withoutSignature } from './sign-macho.mjs'
import { stripLocals } from './strip-macho.mjs'
import { run } from './toolchain.mjs'

const warnings = ['-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter', '-Wno-unused-command-line-argument']
const language = ['-std=c++20', '-fno-exceptions', '-fno-rtti', '-fvisibility=hidden', '-fno-sanitize=all']
const small = ['-Os', '-ffunction-sections', '-fdata-sections']
/** What runs between clone and exec, or without a C library: nothing may be emitted that needs a runtime. */
const bare = ['-fno-stack-protector', '-fno-threadsafe-statics', '-fno-asynchronous-unwind-tables']
const freestanding = ['-ffreestanding', '-fno-pie', '-fno-builtin']
const macros = [
  'NAPI_VERSION=8',
  'NAPI_DISABLE_CPP_EXCEPTIONS',
  'NODE_ADDON_API_DISABLE_DEPRECATED',
  'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
].concat('NODE_GYP_MODULE_NAME=castellan')

/**
 * Builds one target.
 *
 * `source` is the repository (or a copy), `zig` the compiler, `work` a folder for objects, `out` the folder that gets the
 * files, `cacheOfObjects` the compiler's folder for objects of ours, `cacheOfLibraries` its folder for libraries of the
 * target. Returns the paths of what was made.
 */
export function compile(target, { source, zig, work, out, cacheOfObjects, cacheOfLibraries }) {
  mkdirSync(work, { recursive: true })
  mkdirSync(out, { recursive: true })
  const environment = {
    ...process.env,
    ZIG_LOCAL_CACHE_DIR: cacheOfObjects,
    ZIG_GLOBAL_CACHE_DIR: cacheOfLibraries,
    SOURCE_DATE_EPOCH: '0',
  }
  const zigRun = (...args) => run(zig, args, { cwd: source, env: environment })
  if (target.system === 'win32') {
    return compileWindows(target, { source, zigRun, work, out, headers: nodeHeaders(source) })
  }
  const lists = JSON.parse(readFileSync(path.join(source, 'native/sources.json'), 'utf8'))
  const system = target.system === 'darwin' ? 'mac' : target.system
  const sources = list => list.map(name => `native/${name}`)
  const addonSources = sources([...lists.addon.common, ...lists.addon[system]])
  const helperSources = sources(lists.helper[system])

  const made = []
  if (target.system === 'linux') {
    const helper = linuxHelper(target, helperSources, work, zigRun)
    const image = path.join(work, 'helper_image.cc')
    run(process.execPath, ['native/embed.cjs', helper, image], { cwd: source })
    addonSources.push(image)
  } else {
    const helper = path.join(out, target.helper)
    zigRun(
      'c++',
      '-target',
      target.helperZig,
      ...language,
      ...warnings,
      ...small,
      '-Inative',
      ...helperSources,
      ...roomForSignature,
      '-s',
      '-o',
      helper,
    )
    chmodSync(helper, 0o755)
    made.push(helper)
  }

  const addon = path.join(out, target.file)
  zigRun(
    'c++',
    ...['-target', target.zig, ...language, ...warnings, ...small, '-fPIC', '-shared', '-s'],
    ...(target.system === 'linux' ? ['-fno-stack-protector'] : []),
    ...[`-ffile-prefix-map=${headers(source)}=napi`, `-ffile-prefix-map=${nodeHeaders(source)}=node`],
    ...[`-ffile-prefix-map=${work}=work`, `-ffile-prefix-map=${source}=.`],
    ...['-Inative', `-I${headers(source)}`, `-I${nodeHeaders(source)}`, ...macros.map(macro => `-D${macro}`)],
    ...addonSources,
    ...linkFlags[target.system],
    ...['-o', addon],
  )
  chmodSync(addon, 0o644)
  made.push(addon)
  if (target.system === 'darwin') for (const file of made) finishMachO(file)
  return made
}

/** In the header, for the load command that names a signature. Hexadecimal. */
const roomForSignature = ['-Wl,-headerpad,0x40']

const linkFlags = {
  linux: [
    '-Wl,-z,now',
    '-Wl,-z,relro',
    '-Wl,-z,noexecstack',
    '-Wl,--gc-sections',
    '-Wl,--build-id=none',
    '-pthread',
  ].concat('-Wl,--version-script=native/linux/exports.map'),
  // Without a name of its own it would have its place on this machine.
  darwin: ['-Wl,-install_name,castellan.node', '-Wl,-undefined,dynamic_lookup', '-Wl,-dead_strip', ...roomForSignature],
}

/** zig signs for Apple's own processors, and only those: both get the same signature, of what is left after stripping. */
function finishMachO(file) {
  writeFileSync(file, withoutSignature(readFileSync(file)))
  stripLocals(file, readFileSync)
  writeFileSync(file, signAdHoc(readFileSync(file), path.basename(file)))
}

/** A static program without a C library: one for both C libraries of a processor. Returns its path. */
function linuxHelper(target, sources, work, zigRun) {
  const objects = sources.map(file => {
    const object = path.join(work, `${file.replaceAll('/', '_')}.o`)
    const flags = [...language, ...warnings, ...bare, ...freestanding, ...small]
    const outline = target.architecture === 'arm64' ? ['-mno-outline-atomics'] : []
    // musl only names the kernel's headers here.
    zigRun('c++', '-c', '-target', target.helperZig, ...flags, ...outline, '-Inative', file, '-o', object)
    return object
  })
  const helper = path.join(work, 'castellan_helper')
  zigRun('ld.lld', '-static', '-s', '-z', 'noexecstack', '--build-id=none', '--gc-sections', ...objects, '-o', helper)
  return helper
}

const headers = source => createRequire(path.join(source, 'package.json'))('node-addon-api').include_dir

function nodeHeaders(source) {
  const folder = path.join(source, 'node_modules/node-api-headers/include')
  if (!existsSync(folder)) throw new Error('node-api-headers is not installed: run `npm ci`')
  return folder
}

/** The compiler's own version, for the list of hashes. */
export function zigVersion(zig) {
  const { stdout, status } = spawnSync(zig, ['version'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot run ${zig}`)
  return stdout.trim()
}
