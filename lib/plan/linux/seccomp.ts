/**
 * The seccomp plan: rules on system calls by name, and the classic BPF program made from them (seccomp(2)).
 */

/** One comparison of a 64-bit system call argument (seccomp_data.args[index]). */
export interface ArgumentTest {
  readonly index: 0 | 1 | 2 | 3 | 4 | 5
  /** Only the lower 32 bits are compared when `width` is 32: for `int` arguments the kernel ignores the rest. */
  readonly width: 32 | 64
  readonly operator: 'equal' | 'not-equal' | 'masked-equal' | 'masked-not-equal'
  readonly mask?: bigint
  readonly value: bigint
}

export interface SeccompRule {
  readonly call: string
  /** All must hold (AND); several rules for one call are alternatives (OR). Empty: always. */
  readonly when: readonly ArgumentTest[]
  readonly action: { readonly kind: 'errno'; readonly errno: number }
  /** For a person: why this is closed. */
  readonly reason: string
}

export interface SeccompPlan {
  readonly architecture: 'x64' | 'arm64'
  /** The default action is allow. */
  readonly rules: readonly SeccompRule[]
  /** The compiled program: an array of `struct sock_filter` (8 bytes each, little endian), as base64. */
  readonly program: string
}
