/**
 * The seccomp plan: rules on system calls by name, and the classic BPF program made from them (seccomp(2)).
 */
import { encodeBpf } from './bpf.ts'
import { compileBpf } from './bpf-compiler.ts'
import { fileModeRules } from './seccomp-file-mode.ts'
import { enabledNetworkRules, proxiedNetworkRules, restrictedNetworkRules } from './seccomp-network.ts'
import { guardTagRules, sharedIpcRules, systemRules } from './seccomp-system.ts'
import { systemCallNumber } from './system-calls.ts'

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

export interface SeccompOptions {
  /** `proxied`: Internet sockets in a network namespace that has only a loopback. */
  readonly network: 'restricted' | 'enabled' | 'proxied'
  readonly architecture: SeccompPlan['architecture']
  /** Closes RLIMIT_RTTIME, by which the launcher recognises the processes of a run. */
  readonly guardTag: boolean
  /** True for a plan without an IPC namespace: System V and POSIX message objects are then closed. Default false. */
  readonly sharedIpc?: boolean
}

const networkRules = {
  restricted: restrictedNetworkRules,
  enabled: enabledNetworkRules,
  proxied: proxiedNetworkRules,
} as const

/** What is closed, in a fixed order; calls that the architecture does not have are left out. Everything else is allowed. */
export function seccompRules(options: SeccompOptions): readonly SeccompRule[] {
  const rules = [
    ...networkRules[options.network](),
    ...systemRules(),
    ...fileModeRules(),
    ...(options.guardTag ? guardTagRules() : []),
    ...(options.sharedIpc === true ? sharedIpcRules() : []),
  ]
  return rules.filter(rule => systemCallNumber(rule.call, options.architecture) !== null)
}

/** The rules and the program made from them, frozen. */
export function makeSeccompPlan(options: SeccompOptions): SeccompPlan {
  const rules = seccompRules(options)
  const program = encodeBpf(compileBpf(rules, options.architecture))
  return Object.freeze({ architecture: options.architecture, rules: Object.freeze(rules.map(freezeRule)), program })
}

function freezeRule(rule: SeccompRule): SeccompRule {
  return Object.freeze({
    ...rule,
    when: Object.freeze(rule.when.map(test => Object.freeze(test))),
    action: Object.freeze(rule.action),
  })
}
