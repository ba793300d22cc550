/**
 * Whether a built file may be shipped: read from its bytes, whatever built it. Every finding is a sentence; none means yes.
 */
import { isElf, readElf } from './elf.mjs'
import { isMachO, readMachO } from './macho.mjs'
import { isPe, readPe } from './pe.mjs'
import { glibcFloor, peSizeBudget, sizeBudget } from './targets.mjs'

/** What the loader of a Node-API module asks for. */
const entryPoints = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
const systemLibraries = {
  glibc: /^(libc\.so\.6|libm\.so\.6|libpthread\.so\.0|libdl\.so\.2|ld-linux-(x86-64|aarch64)\.so\.[12])$/,
  musl: /^libc\.so$/,
}

/** `target` from targets.mjs, the bytes of one of its files, and whether they are the helper program. */
export function findings(target, bytes, { helper = false } = {}) {
  const found = []
  const budget = target.system === 'win32' ? peSizeBudget : sizeBudget
  if (bytes.length > budget) found.push(`has ${bytes.length} bytes, more than ${budget}`)
  try {
    if (target.system === 'darwin') found.push(...machOFindings(target, readMachO(bytes), helper))
    else if (target.system === 'win32') found.push(...peFindings(target, readPe(bytes), helper))
    else found.push(...elfFindings(target, readElf(bytes)))
  } catch (error) {
    found.push(error.message)
  }
  return found
}

function* exportFindings(exported) {
  if (!exported.includes(entryPoints[0])) yield `does not export ${entryPoints[0]}`
  for (const name of exported) if (!entryPoints.includes(name)) yield `exports ${name}`
}

function* elfFindings({ architecture, libc }, elf) {
  if (elf.architecture !== architecture) yield `is for ${elf.architecture}`
  if (!elf.stripped) yield 'has debug information or a symbol table'
  if (elf.executableStack) yield 'has an executable stack'
  if (!elf.relro || !elf.bindNow) yield 'does not protect its relocations'
  yield* exportFindings(elf.exported)
  for (const library of elf.needed) if (!systemLibraries[libc].test(library)) yield `needs ${library}`
  if (!elf.needed.some(library => library === (libc === 'musl' ? 'libc.so' : 'libc.so.6')))
    yield `does not need ${libc}`
  for (const version of Object.values(elf.versions).flat()) {
    if (libc === 'musl') yield `needs the symbol version ${version}, which musl has not`
    else if (newerThanFloor(version)) yield `needs ${version}, newer than glibc ${glibcFloor}`
  }
  if (libc === 'glibc' && Object.keys(elf.versions).length === 0) yield 'names no symbol versions'
  for (const name of elf.imported.filter(isOfCxx)) yield `imports ${name} of a C++ library`
}

const isOfCxx = name => /^_Z|^__cxa_(?!finalize$|atexit$|thread_atexit_impl$)|^_Unwind_/.test(name)

/** Whether a symbol version is newer than the floor, or none of glibc's. */
export function newerThanFloor(version) {
  const parts = /^GLIBC_(\d+)\.(\d+)(?:\.\d+)?$/.exec(version)
  if (parts === null) return true
  const [major, minor] = glibcFloor.split('.').map(Number)
  return Number(parts[1]) > major || (Number(parts[1]) === major && Number(parts[2]) > minor)
}

function* machOFindings({ architecture }, file, helper) {
  if (file.architecture !== architecture) yield `is for ${file.architecture}`
  if (file.oldestSystem !== '11.0') yield `is for macOS ${file.oldestSystem} and newer`
  for (const library of file.libraries) if (library !== '/usr/lib/libSystem.B.dylib') yield `needs ${library}`
  if (!helper && !file.exported.includes(`_${entryPoints[0]}`)) yield `does not export _${entryPoints[0]}`
  // The compiler's runtime is exported too: zig's linker takes no list, and macOS binds a symbol to the library it was
  // linked from, so that nothing else finds these. Code of ours must not be among them.
  for (const name of file.exported.filter(one => /castellan|Napi/.test(one))) yield `exports ${name}`
  if (file.localSymbols > 0) yield `has ${file.localSymbols} local symbols`
  // Apple's processors run nothing else; Intel's do, but not under the hardened runtime.
  if (file.signature !== 'ad-hoc') yield `has the signature '${file.signature}'`
}

/** The host of the addon is bound when it is first used, and is the only library that is none of the system's. */
function* peFindings({ architecture }, file, helper) {
  if (file.architecture !== architecture) yield `is for ${file.architecture}`
  if (!file.isHardened) yield 'can be placed at one address only, or has data that can be executed'
  for (const name of file.writableCode) yield `has code that can be written in ${name}`
  if (file.hasDebugInformation) yield 'names a file with debug information'
  for (const library of Object.keys(file.imports)) if (!windowsLibraries.test(library)) yield `needs ${library}`
  const delayed = Object.keys(file.delayImports)
  if (helper) {
    if (file.isLibrary || !file.isConsoleProgram) yield 'is no console program'
    if (file.oldestWindows !== '10.0') yield `is for Windows ${file.oldestWindows} and newer`
    for (const library of delayed) yield `needs ${library} when it is first used`
    // The test build reads from its environment which call is to fail, and what to make up.
    if (Object.values(file.imports).flat().includes('GetEnvironmentVariableW')) yield 'reads its environment'
    return
  }
  if (!file.isLibrary) yield 'is no library'
  for (const name of entryPoints) if (!file.exported.includes(name)) yield `does not export ${name}`
  for (const name of file.exported) if (!entryPoints.includes(name)) yield `exports ${name}`
  if (delayed.join() !== 'node.exe') yield `binds ${delayed.join(' and ') || 'nothing'} when it is first used`
  for (const name of file.delayImports['node.exe'] ?? [])
    if (!name.startsWith('napi_')) yield `needs ${name} of its host`
}

const windowsLibraries = /^(KERNEL32|ADVAPI32|USER32|CRYPT32|NETAPI32|OLE32|OLEAUT32|SHELL32|ntdll)\.dll$/

/** One line about a file for the person who builds. */
export function describe(bytes) {
  if (isElf(bytes)) {
    const { architecture, needed, versions } = readElf(bytes)
    const floor = Object.values(versions).flat().sort(byVersion).at(-1)
    return `${architecture}, ${needed.join(' ')}${floor === undefined ? '' : `, at most ${floor}`}`
  }
  if (isPe(bytes)) {
    const { architecture, imports, delayImports } = readPe(bytes)
    return `${architecture}, ${[...Object.keys(imports), ...Object.keys(delayImports)].join(' ')}`
  }
  if (!isMachO(bytes)) return 'unknown'
  const { architecture, oldestSystem, signature } = readMachO(bytes)
  return `${architecture}, macOS ${oldestSystem}, signature ${signature}`
}

function byVersion(one, other) {
  const parts = text => text.replace(/^\D+/, '').split('.').map(Number)
  const [a, b] = [parts(one), parts(other)]
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    if ((a[index] ?? 0) !== (b[index] ?? 0)) return (a[index] ?? 0) - (b[index] ?? 0)
  }
  return 0
}
