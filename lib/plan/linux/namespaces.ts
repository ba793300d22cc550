/**
 * Which namespaces a launch makes besides the user and mount namespaces. One function, so that both namespace engines show
 * a command the same world. Source: spec/launch part 4 (hybrid), spec/linux 5.1 and section 12.
 */
import type { LinuxEngine, NamespacePlan } from '../plan.ts'

/**
 * `isolated`: commands see no process but their own, and end all together. `shared`: they see the host's processes in
 * /proc (names and arguments), cannot touch them, and no process of ours stands beside them.
 */
export type ProcessView = 'isolated' | 'shared'

export interface NamespaceQuestion {
  readonly engine: Extract<LinuxEngine, 'namespace' | 'bwrap'>
  readonly networkRestricted: boolean
  /** Proxies on a loopback of the command's own are all that it reaches. Default: false. */
  readonly proxied?: boolean
  /** A fresh /proc can be mounted in a new PID namespace; without one the namespace would show the host's processes. */
  readonly freshProc: boolean
  readonly processes: ProcessView
}

export function chooseNamespaces(question: NamespaceQuestion): NamespacePlan {
  return {
    // Landlock's scope stops signals and its domain stops ptrace, but neither hides what /proc tells of other processes.
    pid: question.processes === 'isolated' && question.freshProc,
    // Message queues and shared memory of the host have no other wall (spec/linux hole 10).
    ipc: true,
    // The filter closes the network in every engine. bubblewrap makes the namespace as well, as Codex has it do: a second
    // wall that costs little beside the rest of it; in the native child it would cost half a millisecond per command.
    // With proxies the namespace is the wall: sockets are open, and there is nothing else to reach.
    net: question.proxied === true || (question.engine === 'bwrap' && question.networkRestricted),
  }
}
