/**
 * The words in which the rule tables are written. `int` arguments are compared in their lower 32 bits, as the kernel reads
 * them: a comparison of all 64 bits could be passed by setting an ignored upper bit (CVE-2019-7303).
 */
import type { ArgumentTest, SeccompRule } from './seccomp.ts'
import type { SystemCallName } from './system-calls.ts'

export const EPERM = 1
export const ENOSYS = 38

type Index = ArgumentTest['index']

export function deny(call: SystemCallName, reason: string, ...when: ArgumentTest[]): SeccompRule {
  return { call, when, action: { kind: 'errno', errno: EPERM }, reason }
}

export function denyAll(calls: readonly SystemCallName[], reason: string): SeccompRule[] {
  return calls.map(call => deny(call, reason))
}

/** ENOSYS: the caller takes the kernel for an older one and falls back to the call that came before. */
export function pretendMissing(call: SystemCallName, reason: string): SeccompRule {
  return { call, when: [], action: { kind: 'errno', errno: ENOSYS }, reason }
}

export function equals(index: Index, value: number): ArgumentTest {
  return { index, width: 32, operator: 'equal', value: BigInt(value) }
}

export function differs(index: Index, value: number): ArgumentTest {
  return { index, width: 32, operator: 'not-equal', value: BigInt(value) }
}

/** (argument & mask) == value */
export function maskedEquals(index: Index, mask: number, value: number): ArgumentTest {
  return { index, width: 32, operator: 'masked-equal', mask: BigInt(mask), value: BigInt(value) }
}

/** (argument & mask) != value */
export function maskedDiffers(index: Index, mask: number, value: number): ArgumentTest {
  return { index, width: 32, operator: 'masked-not-equal', mask: BigInt(mask), value: BigInt(value) }
}

/** At least one bit of the mask is set. */
export function hasAnyOf(index: Index, mask: number): ArgumentTest {
  return maskedDiffers(index, mask, 0)
}

/** A bit outside the mask is set, in an `unsigned long`. */
export function hasOtherThan(index: Index, mask: number): ArgumentTest {
  const others = 0xffffffffffffffffn & ~BigInt(mask)
  return { index, width: 64, operator: 'masked-not-equal', mask: others, value: 0n }
}

/** A pointer that is not null: both halves count. */
export function isSet(index: Index): ArgumentTest {
  return { index, width: 64, operator: 'not-equal', value: 0n }
}
