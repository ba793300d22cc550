/**
 * Entries that no engine can hold, whatever the machine can do, because what they are about is not known. Dropping them in
 * silence would make a policy weaker than it reads.
 */
import { type Notice, notice } from '../notices.ts'
import type { FileSystemSandboxEntry } from '../policy/policy.ts'
import { spellingOf } from '../policy/special.ts'
import type { ResolvedPolicy } from '../policy/types.ts'
import type { Refusal } from './plan.ts'

/** The first entry that must not be passed over, as a refusal. Only `restricted` policies are held by their entries. */
export function refuseMeaningless({ kind, fileSystem, globs }: ResolvedPolicy): Refusal | null {
  if (kind !== 'restricted') return null
  for (const [index, entry] of fileSystem.entries.entries()) {
    const found = obstacleOf(entry)
    if (found !== null) return refusal(index, spellingOf(entry.path), found)
  }
  if (globs?.kind !== 'refused') return null
  const { index, reason, hint } = globs
  return refusal(index, spellingOf(fileSystem.entries[index]!.path), {
    mechanism: 'glob snapshot',
    reason,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** For hosts that want all or nothing: a snapshot does not hold what appears later. */
export function refuseSnapshot({ fileSystem, globs }: ResolvedPolicy): Refusal | null {
  if (globs === null) return null
  const index = fileSystem.entries.findIndex(({ path, access }) => path.type === 'glob_pattern' && access === 'none')
  return refusal(index, spellingOf(fileSystem.entries[index]!.path), {
    mechanism: 'glob snapshot',
    reason: 'what matches it after the launch is not closed, and strict is set',
    hint: 'deny the directory that holds the files',
  })
}

interface Obstacle {
  readonly mechanism: string
  readonly reason: string
  readonly hint?: string
}

function obstacleOf({ path, access }: FileSystemSandboxEntry): Obstacle | null {
  if (path.type === 'glob_pattern' && access !== 'none') {
    return {
      mechanism: 'glob snapshot',
      reason: `a pattern can only deny, and this one has access ${access}`,
      hint: 'name the directory that is to be opened',
    }
  }
  if (path.type === 'special' && path.value.kind === 'unknown' && access === 'none') {
    return {
      mechanism: 'special paths',
      reason: 'no place of that name is known, so what it denies would stay open',
      hint: 'spell the path, or use a version that knows the name',
    }
  }
  return null
}

function refusal(index: number, entry: string, { mechanism, reason, hint }: Obstacle): Refusal {
  const message = `cannot hold entries[${index}] (${entry}): ${reason}`
  return { kind: 'not-enforceable', entry, mechanism, message, ...(hint === undefined ? {} : { hint }) }
}

/** Special places of other versions that open something: they open nothing here, which is safe and may surprise. */
export function unknownPlaces({ kind, fileSystem }: ResolvedPolicy): Notice[] {
  if (kind !== 'restricted') return []
  const names = fileSystem.entries.flatMap(({ path, access }) =>
    path.type === 'special' && path.value.kind === 'unknown' && access !== 'none' ? [spellingOf(path)] : [],
  )
  return [...new Set(names)].map(name =>
    notice('unknown-special-path', `no place of the name ${name} is known; its entry opens nothing`),
  )
}
