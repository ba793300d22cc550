/**
 * A Windows machine on Linux: a folder for its disk, a helper that speaks as the real one does and restricts nothing, and access
 * lists that are a table. What is seen is who starts commands, what they get, how they end, and what is told when they cannot be.
 */
import { lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type { AclBinding } from '../../lib/backend/windows-access.ts'
import type { WindowsDisk } from '../../lib/backend/windows-files.ts'
import type { LogonBinding } from '../../lib/backend/windows-logon.ts'
import type { WindowsCapabilities } from '../../lib/host/capabilities.ts'
import type { NativeAce, WindowsFailure } from '../../lib/native/windows-binding.ts'
import { nullDevice } from '../../lib/plan/windows/access-entries.ts'
import { pathKey, windowsPathOrNull } from '../../lib/plan/windows/windows-path.ts'

const dist = fileURLToPath(new URL('../../dist/', import.meta.url))

/** Asks the file `fault` in its folder what to do wrong. The command's tree ends with it, as with the handle of a job. */
const helperScript = (root: string) => `
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { encodeFrame, FrameDecoder } from '${dist}plan/windows/frame.js'
import { splitCommandLine } from '${dist}plan/windows/command-line.js'
const number = name => Number(process.argv[process.argv.indexOf(name) + 1])
const [request, status] = [number('--request'), number('--status')]
const decoder = new FrameDecoder()
const messages = []
while (messages.length < (process.argv[2] === 'elevated' ? 2 : 1)) {
  const bytes = Buffer.alloc(1 << 16)
  const count = readSync(request, bytes)
  if (count === 0) process.exit(126)
  messages.push(...decoder.push(bytes.subarray(0, count)).map(({ message }) => message))
}
const asked = messages.pop()
writeFileSync('${root}/logon.json', JSON.stringify(messages.pop() ?? null))
writeFileSync('${root}/asked.json', JSON.stringify(asked))
const tell = message => writeSync(status, encodeFrame({ version: 1, ...message }))
const fault = existsSync('${root}/fault') ? JSON.parse(readFileSync('${root}/fault', 'utf8')) : {}
if (fault.error) { tell({ type: 'error', ...fault.error }); process.exit(126) }
if (fault.say !== undefined) { writeSync(status, Buffer.from(fault.say, 'latin1')); setInterval(() => {}, 1000); await new Promise(() => {}) }
if (fault.silent) process.exit(0)
const [, ...args] = splitCommandLine(asked.command_line)
const disk = text => '${root}/' + (text[0] + text.slice(2).replaceAll('\\\\', '/')).toLowerCase()
const program = disk(asked.program)
try { accessSync(program, constants.X_OK) } catch { tell({ type: 'error', stage: 'create-process', win32: 193, message: 'stub' }); process.exit(126) }
// The first in the group waits for the end of a pipe that only this process holds, and ends the group: no gap, as with a job.
const script = '( read end <&' + request + '; kill -s KILL -- -$$ ) & exec "$@" ' + request + '<&-'
const child = spawn('/bin/sh', ['-c', script, 'sh', program, ...args], {
  cwd: disk(asked.cwd), env: asked.environment, detached: true,
  stdio: [...Array.from({ length: request }, (_, fd) => fd), 'pipe'],
})
child.on('spawn', () => tell({ type: 'spawn_ready', pid: child.pid }))
child.on('exit', code => {
  if (fault.lost) { tell({ type: 'error', stage: 'wait', win32: 6, message: 'stub' }); process.exit(126) }
  if (fault.mute !== true) tell({ type: 'exit', code: code ?? 1 })
  process.exit(code ?? 1)
})
`

export interface WindowsStub {
  readonly root: string
  readonly disk: WindowsDisk
  readonly capabilities: WindowsCapabilities
  readonly binding: AclBinding & LogonBinding
  /** The lists by the path of the object. */
  lists(): Readonly<Record<string, readonly NativeAce[]>>
  /** Calls of the addon that fail, by name; `at` counts down to the one that does. */
  failAt: { name: string; at: number; once?: boolean; win32?: number; path?: string } | null
  setFault(fault: object | null): void
  /** Takes every entry off an object and what is below it, as nobody of ours does. */
  clear(key: string): void
}

/** `folder`: an empty one. Has a disk C: with the directories ws, data, t, state and bin, and the programs sh.exe and tool.cmd. */
export function makeWindowsStub(folder: string): WindowsStub {
  const root = realpathSync(folder)
  for (const name of ['ws/.git', 'data', 't', 'state', 'bin', 'windows/system32']) {
    mkdirSync(path.join(root, 'c', name), { recursive: true })
  }
  symlinkSync('/bin/sh', path.join(root, 'c/bin/sh.exe'))
  writeFileSync(path.join(root, 'c/bin/tool.cmd'), '')
  writeFileSync(path.join(root, 'c/bin/broken.exe'), 'MZ', { mode: 0o644 })
  // Takes the line apart for the tests as cmd.exe would find it.
  symlinkSync('/bin/echo', path.join(root, 'c/windows/system32/cmd.exe'))
  const program = path.join(root, 'helper.mjs')
  writeFileSync(program, helperScript(root))
  const helper = path.join(root, 'castellan-helper.exe')
  // Not the helper's channel, though it is a Node.js here.
  const script = `#!/bin/sh\nunset NODE_CHANNEL_FD NODE_CHANNEL_SERIALIZATION_MODE\nexec '${process.execPath}' '${program}' "$@"\n`
  writeFileSync(helper, script, { mode: 0o755 })
  const disk: WindowsDisk = {
    // Names have no case on Windows; here they are all lower case.
    toDisk: text => `${root}/${(text[0]! + text.slice(2).replaceAll('\\', '/')).toLowerCase()}`,
    fromDisk: text => windowsPathOrNull(`${path.relative(root, text).replace(/^([a-z])(?=\/|$)/, '$1:')}/`),
  }
  const stub: Omit<WindowsStub, 'binding' | 'lists' | 'clear'> = {
    root,
    disk,
    capabilities: {
      platform: 'win32',
      architecture: 'x64',
      kernelRelease: '10.0.22631',
      restrictedToken: { available: true, how: 'stub' },
      helper: { available: true, how: 'stub', path: helper },
      runner: { available: false, how: 'stub' },
      restricted: false,
    },
    failAt: null,
    setFault: fault => {
      const file = path.join(root, 'fault')
      if (fault === null) rmSync(file, { force: true })
      else writeFileSync(file, JSON.stringify(fault))
    },
  }
  return Object.assign(
    stub,
    fakeLists(stub, text => disk.toDisk(windowsPathOrNull(text)!)),
  )
}

function fakeLists(
  stub: Pick<WindowsStub, 'failAt'>,
  onDisk: (path: string) => string,
): Pick<WindowsStub, 'binding' | 'lists' | 'clear'> {
  const aces = new Map<string, NativeAce[]>()
  const names = new Map<string, string>()
  const fails = (call: string, asked = ''): { failure: WindowsFailure } | null => {
    const { failAt } = stub
    if (failAt?.name !== call || (failAt.path !== undefined && failAt.path !== asked)) return null
    const left = failAt.at--
    if (failAt.once === true ? left !== 0 : left > 0) return null
    return { failure: { call, win32: failAt.win32 ?? 31 } }
  }
  const device = { finalPath: nullDevice, file: '0'.repeat(32), volume: '0'.repeat(16), directory: false }
  names.set(device.file, pathKey(nullDevice))
  const numberOf = (asked: string) => (asked === nullDevice ? device.file : String(look(asked)?.ino))
  const look = (asked: string) => {
    try {
      const found = lstatSync(onDisk(asked))
      names.set(String(found.ino), pathKey(asked))
      return found
    } catch {
      return null
    }
  }
  const binding: AclBinding & LogonBinding = {
    sidOfAccount: name => fails('sidOfAccount') ?? `S-1-5-21-7-7-7-${1000 + name.length}`,
    probe: () =>
      fails('probe') ?? {
        version: '10.0.22631',
        elevated: false,
        restricted: false,
        wine: false,
        userSid: 'S-1-5-21-1-2-3-1001',
        userName: 'PC\\u',
        logonSid: 'S-1-5-5-0-1',
        pid: process.pid,
        started: '1',
      },
    processStarted: pid => fails('processStarted') ?? (pid === process.pid ? '1' : null),
    describeObject(asked) {
      if (asked === nullDevice) return fails('describeObject', asked) ?? { ...device, reparseTag: 0, hasAcls: true }
      const found = look(asked)
      if (found === null) return { failure: { call: 'CreateFileW', win32: 2 } }
      return (
        fails('describeObject', asked) ?? {
          finalPath: asked,
          file: String(found.ino),
          volume: String(found.dev),
          directory: found.isDirectory(),
          reparseTag: found.isSymbolicLink() ? 0xa000_0003 : 0,
          hasAcls: true,
        }
      )
    },
    findObject(asked, file, volume) {
      const failure = fails('findObject', asked)
      if (failure !== null) return failure
      for (const entry of readdirSync(onDisk('C:\\'), { recursive: true, withFileTypes: true })) {
        const place = path.join(entry.parentPath, entry.name)
        if (String(lstatSync(place).ino) !== file) continue
        return binding.describeObject(`C:\\${path.relative(onDisk('C:\\'), place).replaceAll('/', '\\')}`)
      }
      return volume === String(lstatSync(onDisk('C:\\')).dev) ? null : { failure: { call: 'CreateFile', win32: 34 } }
    },
    readAcl(asked) {
      const own = aces.get(numberOf(asked)) ?? []
      return fails('readAcl', asked) ?? { missing: false, protected: false, own, readers: [] }
    },
    async setAce({ path: asked, file }, ace) {
      const failure = fails('setAce', asked)
      if (failure !== null) return failure
      const others = (aces.get(file) ?? []).filter(({ type, sid }) => type !== ace.type || sid !== ace.sid)
      aces.set(file, [...others, ace])
      return undefined
    },
    async removeAce({ path: asked, file }, type, sid) {
      const failure = fails('removeAce', asked)
      if (failure !== null) return failure
      aces.set(
        file,
        (aces.get(file) ?? []).filter(ace => ace.type !== type || ace.sid !== sid),
      )
      return undefined
    },
    lockMutex: async () =>
      fails('lockMutex') ?? { state: stub.failAt?.name === 'busy' ? 'timeout' : 'acquired', id: 1 },
    unlockMutex: () => {},
  }
  const lists = () =>
    Object.fromEntries(
      [...aces].filter(([, own]) => own.length > 0).map(([file, own]) => [names.get(file) ?? file, own]),
    )
  const clear = (key: string) => {
    for (const [file, name] of names) if (name === key || name.startsWith(`${key}/`)) aces.delete(file)
  }
  return { binding, lists, clear }
}

export const isDirectory = (place: string): boolean =>
  statSync(place, { throwIfNoEntry: false })?.isDirectory() === true
export const namesIn = (place: string): readonly string[] => readdirSync(place)
