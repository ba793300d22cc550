import { constants } from 'node:os'

const names = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]))
// Node's table has no name for these, which the kernel gives for Landlock and for stale mount pins.
names.set(95, 'EOPNOTSUPP')
names.set(116, 'ESTALE')

/** `EACCES` for 13; `errno 4096` for a number without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`
}
