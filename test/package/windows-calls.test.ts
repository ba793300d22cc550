/**
 * Every call of Windows goes through the shim by which the test build makes it fail (`native/windows/common/calls.h`), or stands here
 * with the reason why its failure changes nothing. `npm run wine` then fails each of the others in turn.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

import { inRoot, text } from './repository.ts'

const nothingToFail = 'it cannot fail, or says of a failure nothing that could be acted on'
const givesBack = 'it gives something back; what it would keep ends with the process'
const ends =
  'it ends what must not go on, after everything else was decided; a process that cannot be ended is held by its job'
const memory = 'without memory the process ends, and with it what it has started'
const bind = 'what it does not find is looked at as missing'

const exceptions: Readonly<Record<string, string>> = {
  ...{ AcquireSRWLockExclusive: nothingToFail, ReleaseSRWLockExclusive: nothingToFail, GetLastError: nothingToFail },
  ...{ SetLastError: nothingToFail, GetCommandLineW: nothingToFail, GetCurrentProcess: nothingToFail },
  ...{ GetCurrentProcessId: nothingToFail, GetStartupInfoW: nothingToFail, GetProcessHeap: nothingToFail },
  RtlNtStatusToDosError: nothingToFail,
  ...{ Sleep: nothingToFail, SysFreeString: nothingToFail },
  // Null fails the next call, which asks it for its name.
  GetProcessWindowStation: 'it is given to a call that is asked',
  ...{ CloseHandle: givesBack, LocalFree: givesBack, RegCloseKey: givesBack, CoUninitialize: givesBack },
  ...{ DeleteProcThreadAttributeList: givesBack, HeapFree: givesBack, ReleaseMutex: givesBack },
  ...{ TerminateJobObject: ends, TerminateProcess: ends, ExitProcess: ends, RaiseException: ends },
  ...{ HeapAlloc: memory, HeapReAlloc: memory, SysAllocString: 'an empty text is refused, or is read back as none' },
  ...{ GetModuleHandleW: bind, GetProcAddress: bind },
}

/** Calls that are made without the shim in one place, where the same function goes through it elsewhere. */
const places: Readonly<Record<string, string>> = {
  'helper/launch.cc InitializeProcThreadAttributeList':
    'it tells a size, and fails in doing so; without one the next call fails',
  'helper/launch.cc WaitForSingleObject': 'for the end of a process that was ended: what follows does not depend on it',
  'addon/mutex.cc SetEvent': 'the end of the thread says the same',
}

/** What is only in the test build. */
function shipped(source: string): string {
  let depth = 0
  const lines = source.split('\n').map(line => {
    if (/^#ifdef CASTELLAN_FAULTS/.test(line)) depth = 1
    else if (depth > 0 && /^#if/.test(line)) depth++
    else if (depth > 0 && /^#endif/.test(line)) depth--
    else if (depth === 1 && /^#else/.test(line)) depth = 0
    return depth > 0 ? '' : line.replace(/\/\/.*$/, '')
  })
  return lines.join('\n')
}

const folder = inRoot('native/windows')
const sources = ['common', 'helper', 'addon'].flatMap(part =>
  readdirSync(path.join(folder, part))
    .filter(name => /\.(cc|h)$/.test(name) && name !== 'faults.cc')
    .map(name => ({ name: `${part}/${name}`, source: shipped(readFileSync(path.join(folder, part, name), 'utf8')) })),
)

const names = readdirSync(path.join(folder, 'imports'))
  .filter(name => name !== 'node.def')
  .flatMap(name => text(`native/windows/imports/${name}`).trim().split('\n').slice(2))

/** Every mention that calls it by itself. */
function bare(source: string, name: string): number {
  return [...source.matchAll(new RegExp(`(?<![\\w.>])(?:::)?${name}\\(`, 'g'))].filter(({ index }) => {
    const line = source.slice(source.lastIndexOf('\n', index) + 1, index)
    // A declaration of what no header has.
    return !/^extern "C"/.test(line)
  }).length
}

const shimmed = (source: string, name: string) => new RegExp(`CALL\\([^;]*?,\\s*${name}\\b`).test(source)

describe('the calls of Windows', () => {
  it('are all known by their lists of imports', () => {
    expect(names.length).toBeGreaterThan(90)
    for (const name of Object.keys(exceptions)) expect([...names], name).toContain(name)
  })

  it.each(sources)('of $name can be made to fail, or have a reason', ({ name: file, source }) => {
    const found = names.filter(name => bare(source, name) > 0 && !Object.hasOwn(exceptions, name))
    expect(found.filter(name => !Object.hasOwn(places, `${file} ${name}`))).toEqual([])
  })

  it('that are excepted in one place are made there, and are made to fail elsewhere', () => {
    for (const where of Object.keys(places)) {
      const [file, name] = where.split(' ') as [string, string]
      expect(bare(sources.find(one => one.name === file)?.source ?? '', name), where).toBeGreaterThan(0)
      expect(
        sources.some(({ source }) => shimmed(source, name)),
        where,
      ).toBe(true)
    }
  })

  it('are each made to fail that is imported and has no reason', () => {
    const missing = names.filter(
      name => !Object.hasOwn(exceptions, name) && !sources.some(({ source }) => shimmed(source, name)),
    )
    // Read only by the test build itself.
    expect(missing).toEqual(['GetEnvironmentVariableW'])
  })

  it('of COM interfaces can be made to fail', () => {
    const { source } = sources.find(({ name }) => name === 'addon/firewall.cc')!
    const methods = [
      ...source.matchAll(/\b(?:rules?|policy|held|found)->((?:get|put)_\w+|Item|Add|Remove|QueryInterface)\(/g),
    ]
    const asked = [...source.matchAll(/ASK\(\s*E_FAIL,\s*"(\w+)",/g)]
    expect(methods.length).toBeGreaterThan(25)
    expect(asked.map(([, name]) => name)).toEqual(methods.map(([, name]) => name))
  })
})
