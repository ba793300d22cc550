/**
 * A store that lasts as long as the process. Host-supplied tokens always live here and never reach a disk.
 */
import { randomUUID } from 'node:crypto'
import type { AuthStorage } from './storage.ts'

/** A store of its own; pass the same object to several managers to let them share it. */
export function memoryStorage(initial?: string): AuthStorage {
  let text = initial
  let version = 0
  return {
    identity: `memory:${randomUUID()}`,
    kind: 'memory',
    read: async () => text,
    version: async () => String(version),
    async update(change) {
      const next = change(text)
      if (next === undefined) return
      text = next
      version++
    },
    async delete() {
      const existed = text !== undefined
      text = undefined
      version++
      return existed
    },
  }
}

const shared = new Map<string, AuthStorage>()

/** The one in-memory store of this process for a home directory (`ephemeral`, auth.md §6). */
export function ephemeralStorage(key: string): AuthStorage {
  const existing = shared.get(key)
  if (existing !== undefined) return existing
  const created = memoryStorage()
  shared.set(key, created)
  return created
}
