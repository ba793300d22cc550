import { PolicyError } from '../errors.ts'
import type { ResolvedPolicy } from './types.ts'

/**
 * Refuses a policy whose writable roots lead elsewhere than before. A command that may write to a root's parent can put a link
 * in the root's place; following it would open what the link names, so that ends the sandbox's use (spec/linux hole 3).
 *
 * @throws {PolicyError} ERR_POLICY_NOT_ENFORCEABLE naming the entry and both places
 */
export function refuseMovedRoots(before: ResolvedPolicy, now: ResolvedPolicy): void {
  const places = new Map<string, string>()
  for (const { origin, access, path } of before.rules) {
    if (origin.kind === 'entry' && access === 'write') places.set(`${origin.index} ${origin.spelled}`, path)
  }
  for (const { origin, access, path } of now.rules) {
    if (origin.kind !== 'entry' || access !== 'write') continue
    const place = places.get(`${origin.index} ${origin.spelled}`)
    if (place === undefined || place === path) continue
    const message = `cannot hold the writable root ${origin.spelled}: it led to ${place} when the sandbox was made and leads to ${path} now`
    throw new PolicyError('ERR_POLICY_NOT_ENFORCEABLE', message, { entry: origin.spelled, mechanism: 'path identity' })
  }
}
