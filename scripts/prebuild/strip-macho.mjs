/**
 * Takes the local symbols out of a 64-bit Mach-O file. zig's linker has no switch for it and keeps them all, those of the
 * compiler's runtime too: a fifth of the file. LLVM's own tool does it (Debian: `llvm`; CASTELLAN_LLVM_STRIP names another), and what
 * it made is compared with what it was given, because nothing here can load such a file: code, data, what the loader binds and
 * exports, and the symbols that are left must be those of before.
 */
import { spawnSync } from 'node:child_process'
import { isDeepStrictEqual } from 'node:util'

import { run } from './toolchain.mjs'

const tool = process.env.CASTELLAN_LLVM_STRIP ?? 'llvm-strip'
const command = { symbols: 0x2, segment: 0x19, indices: 0xb, dyldInfo: 0x80000022, signature: 0x1d }
/** Commands that are `kind, size, offset, size of the data`: function starts, data in code, exports, fix-ups. */
const withData = new Set([0x26, 0x29, 0x80000033, 0x80000034])
const symbolSize = 16
const isExternal = 0x01
/** Bits of an entry that names no symbol. */
const indirectWithoutSymbol = 0xc0000000

/** The version of the tool, or an error that says how to get it. */
export function stripVersion() {
  const { stdout, status } = spawnSync(tool, ['--version'], { encoding: 'utf8' })
  const version = /LLVM version (\S+)/.exec(stdout ?? '')?.[1]
  if (status !== 0 || version === undefined) {
    throw new Error(`cannot run ${tool}, which the files for macOS take: install LLVM (Debian: apt-get install llvm)`)
  }
  return version
}

/** Strips `file`, which must not be signed, in place. `read` gives its bytes. Throws when more was changed than that. */
export function stripLocals(file, read) {
  const before = read(file)
  run(tool, ['-x', file])
  const faults = changesBeyondLocals(before, read(file))
  if (faults.length > 0) throw new Error(`${tool} changed more than local symbols: ${faults.join(', ')}`)
}

/** What differs between the files apart from local symbols, in words. Throws for a file whose tables do not fit together. */
export function changesBeyondLocals(before, after) {
  const [old, made] = [contentOf(before), contentOf(after)]
  return Object.keys(old).filter(name => !isDeepStrictEqual(old[name], made[name]))
}

function contentOf(bytes) {
  const commands = loadCommands(bytes)
  const number = (at, index) => bytes.readUInt32LE(at + index * 4)
  const data = (at, index) => bytes.toString('base64', number(at, index), number(at, index) + number(at, index + 1))
  const only = kind => {
    const found = commands.filter(one => one.kind === kind)
    if (found.length !== 1) throw new Error(`has ${found.length} load commands ${kind}`)
    return found[0].at
  }
  if (commands.some(({ kind }) => kind === command.signature)) throw new Error('is signed')
  const linkEdit = commands.find(
    ({ kind, at }) => kind === command.segment && /^__LINKEDIT\0/.test(bytes.toString('latin1', at + 8, at + 24)),
  )
  const isPlace = ({ kind, at }) =>
    [command.symbols, command.indices, command.dyldInfo].includes(kind) || withData.has(kind) || at === linkEdit.at
  const symbols = symbolsOf(bytes, only(command.symbols))
  const indices = only(command.indices)
  return {
    'the header': bytes.toString('base64', 0, 32),
    'the kinds of load commands': commands.map(({ kind }) => kind),
    'a load command': commands
      .filter(one => !isPlace(one))
      .map(({ at, size }) => bytes.toString('base64', at, at + size)),
    'code or data': bytes.toString(
      'base64',
      32 + bytes.readUInt32LE(20),
      Number(bytes.readBigUInt64LE(linkEdit.at + 40)),
    ),
    'what the loader binds': commands
      .filter(({ kind }) => kind === command.dyldInfo)
      .map(({ at }) => [2, 4, 6, 8, 10].map(index => data(at, index))),
    'a table of the loader': commands.filter(({ kind }) => withData.has(kind)).map(({ at }) => data(at, 2)),
    'the symbols of others': symbols.filter(({ type }) => (type & isExternal) !== 0),
    'what stubs and pointers name': indirectNames(bytes, indices, symbols),
    'the order of the symbols': orderFaults(indices, symbols, number),
  }
}

function loadCommands(bytes) {
  const found = []
  let at = 32
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    const size = bytes.readUInt32LE(at + 4)
    found.push({ kind: bytes.readUInt32LE(at), at, size })
    at += size
  }
  return found
}

function symbolsOf(bytes, at) {
  const [start, count, strings] = [8, 12, 16].map(offset => bytes.readUInt32LE(at + offset))
  return Array.from({ length: count }, (_, index) => {
    const entry = start + index * symbolSize
    const name = strings + bytes.readUInt32LE(entry)
    return {
      name: bytes.toString('latin1', name, bytes.indexOf(0, name)),
      type: bytes[entry + 4],
      section: bytes[entry + 5],
      description: bytes.readUInt16LE(entry + 6),
      value: bytes.readBigUInt64LE(entry + 8),
    }
  })
}

function indirectNames(bytes, at, symbols) {
  const [start, count] = [56, 60].map(offset => bytes.readUInt32LE(at + offset))
  return Array.from({ length: count }, (_, index) => {
    const entry = bytes.readUInt32LE(start + index * 4)
    if ((entry & indirectWithoutSymbol) !== 0) return entry
    if (entry >= symbols.length) throw new Error('has a stub for a symbol that is not there')
    return symbols[entry].name
  })
}

/** Local symbols, then those defined for others, then those of others, each as many as the file says: no fault. */
function orderFaults(at, symbols, number) {
  const [locals, localCount, defined, definedCount, undefined_, undefinedCount] = [2, 3, 4, 5, 6, 7].map(index =>
    number(at, index),
  )
  const kindOf = ({ type }) => ((type & isExternal) === 0 ? 'local' : (type & 0x0e) === 0 ? 'undefined' : 'defined')
  const wanted = [
    ...Array(localCount).fill('local'),
    ...Array(definedCount).fill('defined'),
    ...Array(undefinedCount).fill('undefined'),
  ]
  const places = [localCount === 0 || locals === 0, defined === localCount, undefined_ === localCount + definedCount]
  return places.every(Boolean) && isDeepStrictEqual(symbols.map(kindOf), wanted) ? 'fits' : 'does not fit'
}
