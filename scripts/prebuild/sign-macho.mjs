/**
 * Signs a 64-bit Mach-O file ad hoc, as linkers for Apple's processors do: no identity stands behind it, only the hash of every
 * page, so that the system sees a changed file. zig signs for arm64 and leaves files for x64 unsigned, which macOS runs, but
 * which the hardened runtime and tools that stage a release do not take.
 *
 *   header | load commands, the new one last | … | __LINKEDIT … | signature
 *
 * Facts: Apple's <mach-o/loader.h>, and cs_blobs.h in XNU. Numbers of the file are little-endian, those of a signature
 * big-endian. The same bytes give the same signature.
 */
import { createHash } from 'node:crypto'

const command = { segment: 0x19, signature: 0x1d }
const executable = 2
const headerSize = 32
const signatureCommandSize = 16
const magic = { superBlob: 0xfade0cc0, codeDirectory: 0xfade0c02 }
/** CS_ADHOC, and CS_LINKER_SIGNED: whoever signs with an identity later may replace it without being asked. */
const flags = 0x2 | 0x20000
/** CS_SUPPORTSEXECSEG: the last version of the directory that has no runtime version. */
const directoryVersion = 0x20400
const directorySize = 88
const sha256 = { type: 2, size: 32 }
const mainBinary = 1n
/** What the kernel maps at once, by processor, and what one hash is of; as an exponent of 2. */
const pageBits = { 16777223: 12, 16777228: 14 }

const align = (value, unit) => Math.ceil(value / unit) * unit
const pagesOf = (bytes, page) =>
  Array.from({ length: Math.ceil(bytes.length / page) }, (_, index) => bytes.subarray(index * page, (index + 1) * page))

/**
 * The signed file. `identifier` names the program in its signature. Throws for what is no such file, is signed already, has
 * something behind its last segment, or has no room for another load command.
 */
export function signAdHoc(bytes, identifier) {
  if (bytes.length < headerSize || bytes.readUInt32LE(0) !== 0xfeedfacf) throw new Error('not a 64-bit Mach-O file')
  const bits = pageBits[bytes.readUInt32LE(4)]
  if (bits === undefined) throw new Error(`is for the processor ${bytes.readUInt32LE(4)}`)
  const commands = loadCommands(bytes)
  if (commands.some(({ kind }) => kind === command.signature)) throw new Error('is signed already')
  const text = segment(bytes, commands, '__TEXT')
  const linkEdit = segment(bytes, commands, '__LINKEDIT')
  if (linkEdit.fileEnd !== bytes.length) throw new Error('has something behind __LINKEDIT')
  const commandsEnd = headerSize + bytes.readUInt32LE(20)
  if (commandsEnd + signatureCommandSize > firstContent(bytes, commands)) throw new Error('has no room in its header')

  const limit = align(bytes.length, 16)
  const size = align(20 + hashesAt(identifier) + Math.ceil(limit / 2 ** bits) * sha256.size, 16)
  const signed = Buffer.concat([bytes, Buffer.alloc(limit - bytes.length + size)])
  signed.writeUInt32LE(bytes.readUInt32LE(16) + 1, 16)
  signed.writeUInt32LE(bytes.readUInt32LE(20) + signatureCommandSize, 20)
  for (const [index, value] of [command.signature, signatureCommandSize, limit, size].entries()) {
    signed.writeUInt32LE(value, commandsEnd + index * 4)
  }
  const linkEditSize = limit + size - linkEdit.fileStart
  signed.writeBigUInt64LE(BigInt(align(linkEditSize, 2 ** bits)), linkEdit.at + 32)
  signed.writeBigUInt64LE(BigInt(linkEditSize), linkEdit.at + 48)
  // Last, because the hashes are of everything above.
  signatureOf(signed.subarray(0, limit), identifier, bits, {
    start: BigInt(text.fileStart),
    size: BigInt(text.fileEnd - text.fileStart),
    flags: bytes.readUInt32LE(12) === executable ? mainBinary : 0n,
  }).copy(signed, limit)
  return signed
}

/**
 * The file as the linker had it before it signed; a file without a signature is given back as it is. Throws where the signature is
 * not what comes last, in the load commands and in the file.
 */
export function withoutSignature(bytes) {
  const commands = loadCommands(bytes)
  const found = commands.find(({ kind }) => kind === command.signature)
  if (found === undefined) return bytes
  const [limit, size] = [bytes.readUInt32LE(found.at + 8), bytes.readUInt32LE(found.at + 12)]
  if (found !== commands.at(-1) || limit + size !== bytes.length) throw new Error('is not signed at its end')
  const linkEdit = segment(bytes, commands, '__LINKEDIT')
  const bare = Buffer.from(bytes.subarray(0, limit))
  bare.fill(0, found.at, found.at + signatureCommandSize)
  bare.writeUInt32LE(bytes.readUInt32LE(16) - 1, 16)
  bare.writeUInt32LE(bytes.readUInt32LE(20) - signatureCommandSize, 20)
  bare.writeBigUInt64LE(BigInt(limit - linkEdit.fileStart), linkEdit.at + 48)
  return bare
}

function loadCommands(bytes) {
  const found = []
  const end = headerSize + bytes.readUInt32LE(20)
  if (end > bytes.length) throw new Error('has load commands behind its end')
  let at = headerSize
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    const size = bytes.readUInt32LE(at + 4)
    if (size < 8 || at + size > end) throw new Error('has a load command of a wrong size')
    found.push({ kind: bytes.readUInt32LE(at), at })
    at += size
  }
  return found
}

const segments = commands => commands.filter(({ kind }) => kind === command.segment)
const nameAt = (bytes, at) => bytes.toString('latin1', at, at + 16).replace(/\0.*$/s, '')

function segment(bytes, commands, name) {
  const found = segments(commands).find(({ at }) => nameAt(bytes, at + 8) === name)
  if (found === undefined) throw new Error(`has no segment ${name}`)
  const fileStart = Number(bytes.readBigUInt64LE(found.at + 40))
  return { at: found.at, fileStart, fileEnd: fileStart + Number(bytes.readBigUInt64LE(found.at + 48)) }
}

/** Where the first section with content begins: the load commands may grow up to there. */
function firstContent(bytes, commands) {
  const offsets = segments(commands).flatMap(({ at }) =>
    Array.from({ length: bytes.readUInt32LE(at + 64) }, (_, index) => bytes.readUInt32LE(at + 72 + index * 80 + 48)),
  )
  return Math.min(bytes.length, ...offsets.filter(offset => offset > 0))
}

const hashesAt = identifier => directorySize + Buffer.byteLength(identifier) + 1

/** `code`: everything that is hashed; `main`: the segment that holds the program. */
function signatureOf(code, identifier, bits, main) {
  const hashes = pagesOf(code, 2 ** bits).map(page => createHash('sha256').update(page).digest())
  const directory = Buffer.alloc(directorySize)
  const length = hashesAt(identifier) + hashes.length * sha256.size
  const first = [magic.codeDirectory, length, directoryVersion, flags, hashesAt(identifier), directorySize]
  for (const [index, value] of [...first, 0, hashes.length, code.length].entries()) {
    directory.writeUInt32BE(value, index * 4)
  }
  directory.set([sha256.size, sha256.type, 0, bits], 36)
  for (const [index, value] of [main.start, main.size, main.flags].entries()) {
    directory.writeBigUInt64BE(value, 64 + index * 8)
  }
  const blob = Buffer.concat([directory, Buffer.from(`${identifier}\0`), ...hashes])
  // One blob, the directory, which begins behind this list.
  const list = Buffer.alloc(20)
  for (const [index, value] of [magic.superBlob, 20 + blob.length, 1, 0, 20].entries()) {
    list.writeUInt32BE(value, index * 4)
  }
  return Buffer.concat([list, blob])
}
