import type { NativeResult } from '../native/binding.ts'
import type { LimitName } from '../plan/linux/process-limits.ts'

/** In the order of `enum class FiredLimit` in native/linux/launcher.h. */
const fired: readonly (LimitName | null)[] = [null, 'wallClock', 'cpuTime', 'memory', 'processes', 'outputBytes']

/** By these the kernel tells a process of its limit (setrlimit(2)); a command may also send them itself. */
const signals = new Map<number, LimitName>([
  [24, 'cpuTime'],
  [25, 'fileSize'],
])

/** The limit that ended the command; null when none did. `signal`: how the command itself ended, 0 for none. */
export function firedLimit(
  native: NativeResult,
  signal: number,
  asked: Readonly<Partial<Record<LimitName, unknown>>>,
): LimitName | null {
  const told = fired[native.limit] ?? null
  if (told !== null) return told
  const meant = signals.get(signal)
  return meant !== undefined && asked[meant] !== undefined ? meant : null
}
