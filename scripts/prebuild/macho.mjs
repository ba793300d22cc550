/**
 * Reads what a release must know of a 64-bit Mach-O file: processor, oldest macOS, libraries, exported symbols, and whether the
 * ad-hoc signature fits the bytes (Apple's <mach-o/loader.h> and, for signatures, cs_blobs.h in XNU).
 */
import { createHash } from 'node:crypto'

const processors = { 16777223: 'x64', 16777228: 'arm64' }
const command = { symbols: 0x2, library: 0xc, weakLibrary: 0x80000018, signature: 0x1d, version: 0x32 }
const adHocFlag = 0x2

export const isMachO = bytes => bytes.length > 32 && bytes.readUInt32LE(0) === 0xfeedfacf

/** Throws for what is not such a file. */
export function readMachO(bytes) {
  if (!isMachO(bytes)) throw new Error('not a 64-bit Mach-O file')
  const result = {
    format: 'mach-o',
    architecture: processors[bytes.readUInt32LE(4)] ?? `processor ${bytes.readUInt32LE(4)}`,
    oldestSystem: undefined,
    libraries: [],
    exported: [],
    imported: [],
    signature: 'none',
  }
  let at = 32
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    const kind = bytes.readUInt32LE(at)
    if (kind === command.library || kind === command.weakLibrary) {
      result.libraries.push(textAt(bytes, at + bytes.readUInt32LE(at + 8)))
    } else if (kind === command.version) {
      const version = bytes.readUInt32LE(at + 12)
      result.oldestSystem = `${version >>> 16}.${(version >>> 8) & 255}`
    } else if (kind === command.symbols) {
      Object.assign(result, readSymbols(bytes, at))
    } else if (kind === command.signature) {
      result.signature = checkSignature(bytes, bytes.readUInt32LE(at + 8))
    }
    at += bytes.readUInt32LE(at + 4)
  }
  return result
}

function textAt(bytes, offset) {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset))
}

function readSymbols(bytes, at) {
  const start = bytes.readUInt32LE(at + 8)
  const count = bytes.readUInt32LE(at + 12)
  const strings = bytes.readUInt32LE(at + 16)
  const found = { exported: [], imported: [], localSymbols: 0 }
  for (let index = 0; index < count; index++) {
    const entry = start + index * 16
    const type = bytes[entry + 4]
    const external = (type & 0x01) !== 0 && (type & 0x10) === 0
    const name = textAt(bytes, strings + bytes.readUInt32LE(entry))
    if ((type & 0x01) === 0) found.localSymbols++
    if (!external) continue
    if ((type & 0x0e) === 0) found.imported.push(name)
    else found.exported.push(name)
  }
  return found
}

/** `ad-hoc`, when every page has the hash that the signature names; `broken` when one has not; else `signed`. */
function checkSignature(bytes, offset) {
  if (bytes.readUInt32BE(offset) !== 0xfade0cc0) return 'broken'
  for (let index = 0; index < bytes.readUInt32BE(offset + 8); index++) {
    const blob = offset + bytes.readUInt32BE(offset + 12 + index * 8 + 4)
    if (bytes.readUInt32BE(blob) !== 0xfade0c02) continue
    return hashesFit(bytes, blob) ? ((bytes.readUInt32BE(blob + 12) & adHocFlag) !== 0 ? 'ad-hoc' : 'signed') : 'broken'
  }
  return 'broken'
}

function hashesFit(bytes, directory) {
  const hashes = directory + bytes.readUInt32BE(directory + 16)
  const pages = bytes.readUInt32BE(directory + 28)
  const end = bytes.readUInt32BE(directory + 32)
  const [hashSize, hashType] = bytes.subarray(directory + 36, directory + 38)
  const pageSize = 2 ** bytes[directory + 39]
  if (hashType !== 2 || hashSize !== 32 || pages !== Math.ceil(end / pageSize)) return false
  return Array.from({ length: pages }, (_, page) => {
    const content = bytes.subarray(page * pageSize, Math.min((page + 1) * pageSize, end))
    const named = bytes.subarray(hashes + page * hashSize, hashes + (page + 1) * hashSize)
    return createHash('sha256').update(content).digest().equals(named)
  }).every(Boolean)
}
