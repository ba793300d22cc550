/**
 * Which C library this process runs on. An addon that was linked with the other one may load and crash later, so a guess is
 * worth nothing: the loader that the running program itself names decides (the ELF segment PT_INTERP), and where there is
 * none, what Node reports of itself.
 */
import { closeSync, openSync, readSync } from 'node:fs'

export type CLibrary = 'glibc' | 'musl'

/** The one of this process; undefined when neither is recognized, and on other systems than Linux. */
export function currentCLibrary(): CLibrary | undefined {
  if (process.platform !== 'linux') return undefined
  return cLibraryOfLoader(interpreterOf(process.execPath)) ?? cLibraryOfReport()
}

/** `ld-linux-x86-64.so.2`: glibc. `ld-musl-x86_64.so.1`: musl. */
export function cLibraryOfLoader(loader: string | undefined): CLibrary | undefined {
  const name = loader?.slice(loader.lastIndexOf('/') + 1) ?? ''
  if (name.startsWith('ld-musl-')) return 'musl'
  return /^ld-linux|^ld64?\.so/.test(name) ? 'glibc' : undefined
}

const interpreterSegment = 3
const headerSize = 64

/** The loader that a 64-bit ELF program names; undefined when the file cannot be read, is no such program or names none. */
export function interpreterOf(program: string): string | undefined {
  let fd: number
  try {
    fd = openSync(program, 'r')
  } catch {
    return undefined
  }
  try {
    const read = (at: number, size: number) => {
      const bytes = Buffer.alloc(size)
      return bytes.subarray(0, readSync(fd, bytes, 0, size, at))
    }
    const header = read(0, headerSize)
    if (header.length < headerSize || header.readUInt32BE(0) !== 0x7f454c46 || header[4] !== 2) return undefined
    const [entrySize, entries] = [header.readUInt16LE(54), header.readUInt16LE(56)]
    const table = read(Number(header.readBigUInt64LE(32)), entrySize * entries)
    for (let at = 0; at + 56 <= table.length; at += entrySize) {
      if (table.readUInt32LE(at) !== interpreterSegment) continue
      const text = read(Number(table.readBigUInt64LE(at + 8)), Math.min(Number(table.readBigUInt64LE(at + 32)), 4096))
      return text.toString('latin1').replace(/\0.*$/s, '')
    }
    return undefined
  } catch {
    return undefined
  } finally {
    closeSync(fd)
  }
}

/** For a program started by naming the loader: then `execPath` is the loader itself. */
function cLibraryOfReport(): CLibrary | undefined {
  try {
    // Otherwise the report looks up the names of every open connection.
    const { excludeNetwork } = process.report as { excludeNetwork?: boolean }
    Object.assign(process.report, { excludeNetwork: true })
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string }; sharedObjects?: string[] }
    Object.assign(process.report, { excludeNetwork })
    if (report.header?.glibcVersionRuntime !== undefined) return 'glibc'
    return report.sharedObjects?.some(file => /\/(ld-musl-|libc\.musl-)/.test(file)) === true ? 'musl' : undefined
  } catch {
    return undefined
  }
}
