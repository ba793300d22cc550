/**
 * Reads what a release must know of a 64-bit Windows file (PE32+): processor, hardening, libraries and functions that it
 * imports at once or when first used, exported names. Source: Microsoft, "PE Format".
 */
const processors = { 34404: 'x64', 43620: 'arm64' }
const characteristics = { dll: 0x2000 }
const hardening = { highEntropyAddresses: 0x20, movable: 0x40, noExecutableData: 0x100 }
const directory = { exports: 0, imports: 1, debug: 6, delayImports: 13 }

export const isPe = bytes =>
  bytes.length > 0x40 && bytes.readUInt16LE(0) === 0x5a4d && bytes.readUInt32LE(0x3c) + 24 < bytes.length

/** Throws for what is not such a file. */
export function readPe(bytes) {
  if (!isPe(bytes)) throw new Error('not a 64-bit Windows file')
  const header = bytes.readUInt32LE(0x3c)
  const optional = header + 24
  if (bytes.readUInt32LE(header) !== 0x4550 || bytes.readUInt16LE(optional) !== 0x20b) {
    throw new Error('not a 64-bit Windows file')
  }
  const sections = readSections(bytes, optional + bytes.readUInt16LE(header + 20), bytes.readUInt16LE(header + 6))
  const file = { bytes, sections, optional }
  const flags = bytes.readUInt16LE(optional + 70)
  const machine = bytes.readUInt16LE(header + 4)
  return {
    format: 'pe',
    architecture: processors[machine] ?? `processor ${machine}`,
    isLibrary: (bytes.readUInt16LE(header + 22) & characteristics.dll) !== 0,
    isConsoleProgram: bytes.readUInt16LE(optional + 68) === 3,
    oldestWindows: `${bytes.readUInt16LE(optional + 48)}.${bytes.readUInt16LE(optional + 50)}`,
    isHardened: Object.values(hardening).every(flag => (flags & flag) !== 0),
    writableCode: sections
      .filter(({ flags: of }) => of >>> 31 === 1 && (of & 0x2000_0000) !== 0)
      .map(({ name }) => name),
    hasDebugInformation: directoryOf(file, directory.debug).size > 0 && hasSymbolFile(file),
    imports: readImports(file, directory.imports, 20, { lookup: 0, name: 12 }),
    delayImports: readImports(file, directory.delayImports, 32, { lookup: 16, name: 4 }),
    exported: readExports(file),
  }
}

function readSections(bytes, at, count) {
  return Array.from({ length: count }, (_, index) => {
    const entry = at + index * 40
    return {
      name: bytes.toString('latin1', entry, entry + 8).replace(/\0.*$/, ''),
      address: bytes.readUInt32LE(entry + 12),
      size: bytes.readUInt32LE(entry + 16),
      offset: bytes.readUInt32LE(entry + 20),
      flags: bytes.readUInt32LE(entry + 36),
    }
  })
}

function offsetOf({ sections }, address) {
  const section = sections.find(({ address: start, size }) => address >= start && address < start + size)
  if (section === undefined) throw new Error(`has no bytes at the address ${address}`)
  return section.offset + address - section.address
}

function directoryOf({ bytes, optional }, index) {
  if (index >= bytes.readUInt32LE(optional + 108)) return { address: 0, size: 0 }
  const at = optional + 112 + index * 8
  return { address: bytes.readUInt32LE(at), size: bytes.readUInt32LE(at + 4) }
}

function textAt({ bytes }, offset) {
  return bytes.toString('latin1', offset, bytes.indexOf(0, offset))
}

/** `{ 'KERNEL32.dll': ['CloseHandle', …] }`; a function by number is `#7`. */
function readImports(file, index, size, member) {
  const found = {}
  const { address } = directoryOf(file, index)
  if (address === 0) return found
  for (let at = offsetOf(file, address); ; at += size) {
    const name = file.bytes.readUInt32LE(at + member.name)
    if (name === 0) return found
    const functions = []
    for (let entry = offsetOf(file, file.bytes.readUInt32LE(at + member.lookup)); ; entry += 8) {
      const value = file.bytes.readBigUInt64LE(entry)
      if (value === 0n) break
      functions.push(
        value >> 63n === 1n ? `#${value & 0xffffn}` : textAt(file, offsetOf(file, Number(value & 0x7fff_ffffn)) + 2),
      )
    }
    found[textAt(file, offsetOf(file, name))] = functions.sort()
  }
}

function readExports(file) {
  const { address } = directoryOf(file, directory.exports)
  if (address === 0) return []
  const table = offsetOf(file, address)
  const names = offsetOf(file, file.bytes.readUInt32LE(table + 32))
  return Array.from({ length: file.bytes.readUInt32LE(table + 24) }, (_, index) =>
    textAt(file, offsetOf(file, file.bytes.readUInt32LE(names + index * 4))),
  )
}

/** A record that names a file with symbols: it also holds the folder of who built it. */
function hasSymbolFile(file) {
  const { address, size } = directoryOf(file, directory.debug)
  const at = offsetOf(file, address)
  return Array.from({ length: size / 28 }, (_, index) => file.bytes.readUInt32LE(at + index * 28 + 12)).includes(2)
}
