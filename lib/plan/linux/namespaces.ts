/**
 * Which namespaces a launch makes besides the user and mount namespaces. One function, so that both namespace engines show
 * a command the same world. Source: spec/launch part 4 (hybrid), spec/linux 5.1 and section 12.
 */
import type { LinuxEngine, NamespacePlan } from '../plan.ts'

export interface NamespaceQuestion {
  readonly engine: Extract<LinuxEngine, 'namespace' | 'bwrap'>
  readonly networkRestricted: boolean
  /** 0 without Landlock. */
  readonly landlockAbi: number
  /** A fresh /proc can be mounted in a new PID namespace; without one the namespace would show the host's processes. */
  readonly freshProc: boolean
  /** Whether the engine can run a command in a PID namespace of its own. Default: `bwrap` can, `namespace` cannot. */
  readonly pidNamespaceSupported?: boolean
}

/** First ABI whose rulesets keep signals and abstract unix sockets inside the domain (Linux 6.12). */
export const scopeAbi = 6

export function chooseNamespaces(question: NamespaceQuestion): NamespacePlan {
  const supported = question.pidNamespaceSupported ?? question.engine === 'bwrap'
  // Landlock's scope stops signals and its domain stops ptrace, at no cost; a PID namespace needs an init and, to be of
  // use, a fresh /proc. So it is made only where the scope is missing.
  const scoped = question.landlockAbi >= scopeAbi
  return {
    pid: !scoped && supported && question.freshProc,
    // Message queues and shared memory of the host have no other wall (spec/linux hole 10).
    ipc: true,
    // The filter closes the network in every engine. bubblewrap makes the namespace as well, as Codex has it do: a second
    // wall that costs little beside the rest of it; in the native child it would cost half a millisecond per command.
    net: question.engine === 'bwrap' && question.networkRestricted,
  }
}
