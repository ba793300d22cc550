/**
 * Reads what a release must know of a 64-bit little-endian ELF file: processor, needed libraries and symbol versions, what it
 * exports and imports, and how it is protected. System V ABI, and the LSB for symbol versions (Elf64_Verneed).
 */
const machines = { 62: 'x64', 183: 'arm64' }
const sectionType = { symbols: 2, dynamic: 6, dynamicSymbols: 11, versionNeeds: 0x6ffffffe }
const segmentType = { interpreter: 3, stack: 0x6474e551, relro: 0x6474e552 }
const tag = { needed: 1, flags: 30, flags1: 0x6ffffffb }

export const isElf = bytes => bytes.length > 64 && bytes.readUInt32BE(0) === 0x7f454c46

/** Throws for what is not such a file. */
export function readElf(bytes) {
  if (!isElf(bytes) || bytes[4] !== 2 || bytes[5] !== 1) throw new Error('not a 64-bit little-endian ELF file')
  const sections = readSections(bytes)
  const segments = readSegments(bytes)
  const find = type => sections.find(section => section.type === type)
  const dynamic = readDynamic(bytes, find(sectionType.dynamic), sections)
  const symbols = readSymbols(bytes, find(sectionType.dynamicSymbols), sections)
  const interpreter = segments.find(({ type }) => type === segmentType.interpreter)
  const stack = segments.find(({ type }) => type === segmentType.stack)
  return {
    format: 'elf',
    architecture: machines[bytes.readUInt16LE(18)] ?? `machine ${bytes.readUInt16LE(18)}`,
    interpreter: interpreter && textAt(bytes, interpreter.offset),
    needed: dynamic.needed,
    bindNow: dynamic.bindNow,
    relro: segments.some(({ type }) => type === segmentType.relro),
    executableStack: stack === undefined || (stack.flags & 1) !== 0,
    stripped: find(sectionType.symbols) === undefined && !sections.some(({ name }) => name.startsWith('.debug')),
    versions: readVersions(bytes, find(sectionType.versionNeeds), sections),
    exported: symbols.filter(({ defined }) => defined).map(({ name }) => name),
    imported: symbols.filter(({ defined, name }) => !defined && name !== '').map(({ name }) => name),
  }
}

function textAt(bytes, offset) {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset))
}

const number = (bytes, offset) => Number(bytes.readBigUInt64LE(offset))

function readSections(bytes) {
  const start = number(bytes, 40)
  const size = bytes.readUInt16LE(58)
  const count = bytes.readUInt16LE(60)
  const sections = Array.from({ length: count }, (_, index) => {
    const at = start + index * size
    return {
      nameOffset: bytes.readUInt32LE(at),
      type: bytes.readUInt32LE(at + 4),
      offset: number(bytes, at + 24),
      size: number(bytes, at + 32),
      link: bytes.readUInt32LE(at + 40),
      entries: bytes.readUInt32LE(at + 44),
    }
  })
  const names = sections[bytes.readUInt16LE(62)]
  return sections.map(section => ({ ...section, name: textAt(bytes, names.offset + section.nameOffset) }))
}

function readSegments(bytes) {
  const start = number(bytes, 32)
  const size = bytes.readUInt16LE(54)
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size
    return { type: bytes.readUInt32LE(at), flags: bytes.readUInt32LE(at + 4), offset: number(bytes, at + 8) }
  })
}

function readDynamic(bytes, section, sections) {
  const found = { needed: [], bindNow: false }
  if (section === undefined) return found
  const strings = sections[section.link].offset
  for (let at = section.offset; at < section.offset + section.size; at += 16) {
    const kind = number(bytes, at)
    const value = number(bytes, at + 8)
    if (kind === tag.needed) found.needed.push(textAt(bytes, strings + value))
    if (kind === tag.flags && (value & 8) !== 0) found.bindNow = true
    if (kind === tag.flags1 && (value & 1) !== 0) found.bindNow = true
  }
  return found
}

function readSymbols(bytes, section, sections) {
  if (section === undefined) return []
  const strings = sections[section.link].offset
  const symbols = []
  for (let at = section.offset; at < section.offset + section.size; at += 24) {
    const name = textAt(bytes, strings + bytes.readUInt32LE(at))
    symbols.push({ name, defined: bytes.readUInt16LE(at + 6) !== 0 })
  }
  return symbols
}

/** `{ 'libc.so.6': ['GLIBC_2.2.5', …] }` */
function readVersions(bytes, section, sections) {
  const versions = {}
  if (section === undefined) return versions
  const strings = sections[section.link].offset
  let at = section.offset
  for (let left = section.entries; left > 0; left--) {
    const library = textAt(bytes, strings + bytes.readUInt32LE(at + 4))
    let entry = at + bytes.readUInt32LE(at + 8)
    versions[library] = Array.from({ length: bytes.readUInt16LE(at + 2) }, () => {
      const name = textAt(bytes, strings + bytes.readUInt32LE(entry + 8))
      entry += bytes.readUInt32LE(entry + 12)
      return name
    })
    at += bytes.readUInt32LE(at + 12)
  }
  return versions
}
