/**
 * The signature that a release puts on files for Intel's processors: of a file made up here, whose pages are hashed here.
 */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import { readMachO } from '../../scripts/prebuild/macho.mjs'
import { signAdHoc } from '../../scripts/prebuild/sign-macho.mjs'

interface Shape {
  readonly fileType?: number
  /** Where the only section begins. */
  readonly content?: number
  readonly trailing?: number
}

const x64 = 0x01000007

/** A program of 9000 bytes: two segments, one section, and bytes that differ from page to page. */
function machO({ fileType = 2, content = 1024, trailing = 0 }: Shape = {}): Buffer {
  const bytes = Buffer.from(Array.from({ length: 9000 + trailing }, (_, index) => (index * 7 + (index >> 8)) & 255))
  bytes.fill(0, 0, 1024)
  const numbers = (at: number, ...values: number[]) =>
    values.forEach((value, index) => {
      bytes.writeUInt32LE(value, at + index * 4)
    })
  const segment = (at: number, size: number, name: string, place: readonly number[], sections: number) => {
    numbers(at, 0x19, size)
    bytes.write(name, at + 8)
    place.forEach((value, index) => {
      bytes.writeBigUInt64LE(BigInt(value), at + 24 + index * 8)
    })
    numbers(at + 56, 7, 5, sections)
  }
  numbers(0, 0xfeedfacf, x64, 3, fileType, 2, 152 + 72)
  segment(32, 152, '__TEXT', [0, 0x2000, 0, 0x2000], 1)
  bytes.write('__text', 32 + 72)
  numbers(32 + 72 + 48, content)
  segment(32 + 152, 72, '__LINKEDIT', [0x2000, 0x1000, 0x2000, 9000 - 0x2000], 0)
  return bytes
}

/** What a system would read of it, found by the offsets in it. */
function signatureIn(bytes: Buffer) {
  const command = [...Array(bytes.readUInt32LE(16)).keys()].reduce(
    at => (bytes.readUInt32LE(at) === 0x1d ? at : at + bytes.readUInt32LE(at + 4)),
    32,
  )
  const [limit, size] = [bytes.readUInt32LE(command + 8), bytes.readUInt32LE(command + 12)]
  const list = bytes.subarray(limit, limit + size)
  const directory = list.subarray(list.readUInt32BE(16))
  const [hashes, name] = [directory.readUInt32BE(16), directory.readUInt32BE(20)]
  return {
    limit,
    size,
    magic: list.readUInt32BE(0),
    blobs: [list.readUInt32BE(8), list.readUInt32BE(12)],
    length: [list.readUInt32BE(4), directory.readUInt32BE(4)],
    directory: [directory.readUInt32BE(0), directory.readUInt32BE(8), directory.readUInt32BE(12)],
    identifier: directory.toString('latin1', name, directory.indexOf(0, name)),
    slots: [directory.readUInt32BE(24), directory.readUInt32BE(28)],
    codeLimit: directory.readUInt32BE(32),
    kinds: [...directory.subarray(36, 40)],
    main: [64, 72, 80].map(at => Number(directory.readBigUInt64BE(at))),
    hashes: [...Array(directory.readUInt32BE(28)).keys()].map(slot =>
      directory.toString('hex', hashes + slot * 32, hashes + slot * 32 + 32),
    ),
  }
}

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('signAdHoc', () => {
  it('puts the hash of every page behind the file, and the place of it into the header', () => {
    const signed = signAdHoc(machO(), 'castellan-seatbelt')
    const pages = [0, 4096, 8192].map(start => hashOf(signed.subarray(start, Math.min(start + 4096, 9008))))
    expect(signatureIn(signed)).toEqual({
      limit: 9008,
      size: 224,
      magic: 0xfade0cc0,
      blobs: [1, 0],
      length: [20 + 88 + 19 + 96, 88 + 19 + 96],
      directory: [0xfade0c02, 0x20400, 0x20002],
      identifier: 'castellan-seatbelt',
      slots: [0, 3],
      codeLimit: 9008,
      kinds: [32, 2, 0, 12],
      main: [0, 0x2000, 1],
      hashes: pages,
    })
    expect(signed.length).toBe(9008 + 224)
    expect(readMachO(signed).signature).toBe('ad-hoc')
  })

  it('changes nothing else but the header, and the size of the last segment', () => {
    const [before, signed] = [machO(), signAdHoc(machO(), 'name')]
    const changed = [...before.keys()].filter(at => before[at] !== signed[at])
    const [commands, linkEdit] = [32 + 152 + 72, 32 + 152]
    const inHeader = (at: number) => at === 16 || at === 20 || (at >= commands && at < commands + 16)
    const inSegment = (at: number) => at >= linkEdit + 48 && at < linkEdit + 56
    expect(changed.filter(at => !inHeader(at) && !inSegment(at))).toEqual([])
    expect(signed.readBigUInt64LE(linkEdit + 48)).toBe(BigInt(signed.length - 0x2000))
    expect([signed.readUInt32LE(16), signed.readUInt32LE(20)]).toEqual([3, 152 + 72 + 16])
  })

  it('makes the last segment larger in memory where the signature needs it', () => {
    const long = signAdHoc(machO(), 'n'.repeat(4096))
    expect(long.readBigUInt64LE(32 + 152 + 32)).toBe(0x2000n)
  })

  it('is the same each time, does not touch what it is given, and says which files are programs', () => {
    const bytes = machO({ fileType: 6 })
    const first = signAdHoc(bytes, 'name')
    expect(first.equals(signAdHoc(bytes, 'name'))).toBe(true)
    expect(bytes.equals(machO({ fileType: 6 }))).toBe(true)
    expect(signatureIn(first).main).toEqual([0, 0x2000, 0])
  })

  it.each<[what: string, bytes: () => Buffer, message: string]>([
    ['what is no such file', () => Buffer.alloc(64), 'not a 64-bit Mach-O file'],
    ['what is signed', () => signAdHoc(machO(), 'name'), 'is signed already'],
    ['a header without room', () => machO({ content: 32 + 152 + 72 + 15 }), 'has no room in its header'],
    ['bytes that no segment has', () => machO({ trailing: 1 }), 'has something behind __LINKEDIT'],
    ['a wrong load command', () => Buffer.from(machO().fill(0, 36, 40)), 'has a load command of a wrong size'],
    ['another processor', () => Buffer.from(machO().fill(1, 4, 8)), 'is for the processor'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => signAdHoc(bytes(), 'name')).toThrow(message)
  })

  it('uses the room of a header to its last byte', () => {
    expect(readMachO(signAdHoc(machO({ content: 32 + 152 + 72 + 16 }), 'name')).signature).toBe('ad-hoc')
  })
})
