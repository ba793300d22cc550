/**
 * Says a mount plan and its namespaces in bubblewrap's options. Everything that names a path goes through `--args FD`, so
 * that neither a process list shows the policy nor the length of a command line limits it. An option is used only when the
 * program's own `--help` lists it; versions are never compared. Source: spec/linux sections 5 and 10.
 */
import { InternalError, unreachable } from '../../errors.ts'
import type { AbsolutePath } from '../../policy/path.ts'
import type { NamespacePlan, Refusal } from '../plan.ts'
import type { MountOperation, MountPlan } from './mount.ts'

export interface BubblewrapRequest {
  readonly mounts: MountPlan
  readonly namespaces: NamespacePlan
  /** The long options the program lists, `BubblewrapCapability.options`. */
  readonly options: readonly string[]
  /** Effective user id 0: bubblewrap then leaves the command all capabilities unless told to drop them (hole 8). */
  readonly privileged: boolean
  /** A seccomp program is passed by descriptor, so that bubblewrap's own pid 1 gets it too (hole 11). */
  readonly seccomp: boolean
  /** Where the inner program starts; left to bubblewrap when absent. */
  readonly directory?: AbsolutePath
}

/** A word of the visible command line; a descriptor's number is known only at the launch. */
export type BubblewrapWord = string | { readonly descriptor: 'arguments' | 'seccomp' }

export interface BubblewrapArguments {
  /** What is written to the descriptor `arguments`, each followed by a NUL. */
  readonly arguments: readonly string[]
  /** What stands on the command line after the program's name and before the inner command. */
  readonly commandLine: readonly BubblewrapWord[]
}

/** bubblewrap stops at this many arguments, those behind `--args` and the inner command's included (spec/linux 10). */
export const bubblewrapArgumentLimit = 9000

/** Room that is left for the command line and the inner program's own arguments. */
const innerReserve = 100

/** One option with its values, and what it is needed for. */
interface Phrase {
  readonly option: string
  readonly values: readonly string[]
  readonly purpose: string
}

export function renderBubblewrap(
  request: BubblewrapRequest,
): { readonly rendered: BubblewrapArguments } | { readonly refusal: Refusal } {
  const hidden = [
    ...processPhrases(request),
    ...request.mounts.operations.flatMap((operation, index) => operationPhrases(operation, index, request)),
    ...(request.directory === undefined
      ? []
      : [phrase('to start in the working directory', '--chdir', request.directory)]),
  ]
  const visible = [
    phrase('to keep paths off the command line', '--args'),
    ...(request.seccomp ? [phrase('to hold the network and dangerous calls closed', '--seccomp')] : []),
  ]
  const missing = [...hidden, ...visible].find(({ option }) => !request.options.includes(option))
  if (missing !== undefined) return { refusal: missingOption(missing) }
  const words = hidden.flatMap(({ option, values }) => [option, ...values])
  if (words.length > bubblewrapArgumentLimit - innerReserve) return { refusal: tooMany(words.length) }
  return { rendered: { arguments: words, commandLine: commandLine(request.seccomp) } }
}

function commandLine(seccomp: boolean): BubblewrapWord[] {
  const filter: BubblewrapWord[] = seccomp ? ['--seccomp', { descriptor: 'seccomp' }] : []
  return ['--args', { descriptor: 'arguments' }, ...filter, '--']
}

/** The words after the program's name, once the descriptors have numbers. */
export function bubblewrapCommandLine(
  rendered: BubblewrapArguments,
  descriptors: { readonly arguments: number; readonly seccomp?: number },
  inner: readonly string[],
): string[] {
  const words = rendered.commandLine.map(word => {
    if (typeof word === 'string') return word
    const number = descriptors[word.descriptor]
    if (number === undefined) throw new InternalError(`no descriptor for bubblewrap's ${word.descriptor}`)
    return String(number)
  })
  return [...words, ...inner]
}

function processPhrases({ namespaces, options, privileged }: BubblewrapRequest): Phrase[] {
  const phrases = [
    phrase('to detach the command from the terminal', '--new-session'),
    phrase('to end the command with the host', '--die-with-parent'),
    // Implied for ordinary users only; as uid 0 the mounts would otherwise be made in the host's user namespace.
    phrase('to make mounts without privileges', '--unshare-user'),
  ]
  if (namespaces.pid) {
    phrases.push(phrase('to hide the processes of the host', '--unshare-pid'))
    // The inner program takes the exits of orphans and passes signals on; bubblewrap's own first process does neither.
    phrases.push(phrase('to run the inner program as the first process', '--as-pid-1'))
  }
  if (namespaces.ipc) phrases.push(phrase('to hide message queues and shared memory of the host', '--unshare-ipc'))
  if (namespaces.net) phrases.push(phrase('to close the network', '--unshare-net'))
  if (privileged || options.includes('--cap-drop')) {
    phrases.push(phrase('to take the capabilities that could undo the mounts', '--cap-drop', 'ALL'))
  }
  return phrases
}

function operationPhrases(
  operation: MountOperation,
  index: number,
  { mounts, namespaces }: BubblewrapRequest,
): Phrase[] {
  switch (operation.operation) {
    case 'host-tree':
      return [bindPhrase(operation.access, '/', '/')]
    case 'empty-root':
      return blankPhrases('111', '/')
    case 'bind':
      return [bindPhrase(operation.access, operation.source, operation.target)]
    case 'mask-directory':
      return blankPhrases(operation.passable ? '111' : '000', operation.target)
    case 'mask-file':
      // bubblewrap binds without device access, so that this /dev/null cannot even be opened (spec/linux 5.3).
      return [bindPhrase('read', '/dev/null', operation.target)]
    case 'mask-missing':
      // The mount point is there by now: bubblewrap would make it, and leave it behind.
      return [...blankPhrases('555', operation.target), sealPhrase(operation.target)]
    case 'make-directory':
      return [modePhrase('111'), phrase('to make mount points', '--dir', operation.target)]
    case 'make-file':
      return fileMountPoint(mounts.operations[index + 1], operation.target)
    case 'make-symlink':
      return [phrase('to make links in an empty root', '--symlink', operation.to, operation.target)]
    case 'seal':
      return [sealPhrase(operation.target)]
    case 'devices':
      return devicePhrases()
    case 'process-files':
      return processFilePhrases(namespaces.pid)
    default:
      return unreachable(operation)
  }
}

/** bubblewrap makes the mount point of a file by itself; a file without a bind would need a descriptor of its own. */
function fileMountPoint(next: MountOperation | undefined, target: AbsolutePath): Phrase[] {
  if (next?.operation !== 'bind' || next.target !== target)
    throw new InternalError(`no file of the host is bound to ${target}`)
  return []
}

function devicePhrases(): Phrase[] {
  return [
    phrase('to give a private /dev', '--dev', '/dev'),
    phrase('to close /dev for writing', '--remount-ro', '/dev'),
    // After the remount, which it must not be part of: shared memory is written.
    modePhrase('1777'),
    phrase('to give a private /dev/shm', '--tmpfs', '/dev/shm'),
  ]
}

function processFilePhrases(ownPid: boolean): Phrase[] {
  if (!ownPid) return [bindPhrase('read', '/proc', '/proc')]
  return [
    phrase('to show the sandbox its own processes', '--proc', '/proc'),
    // bubblewrap leaves the kernel's settings writable for uid 0 (spec/linux hole 7).
    bindPhrase('read', '/proc/sys', '/proc/sys'),
  ]
}

function blankPhrases(mode: string, target: string): Phrase[] {
  return [modePhrase(mode), phrase('to mask directories', '--tmpfs', target)]
}

function sealPhrase(target: string): Phrase {
  return phrase('to close masks for writing', '--remount-ro', target)
}

function bindPhrase(access: 'read' | 'write', source: string, target: string): Phrase {
  return access === 'write'
    ? phrase('to open places for writing', '--bind', source, target)
    : phrase('to show places read-only', '--ro-bind', source, target)
}

/** Holds for the next option only. */
function modePhrase(mode: string): Phrase {
  return phrase('to set the mode of masks and mount points', '--perms', mode)
}

function phrase(purpose: string, option: string, ...values: readonly string[]): Phrase {
  return { option, values, purpose }
}

function missingOption({ option, purpose }: Phrase): Refusal {
  return {
    kind: 'unavailable',
    mechanism: 'bubblewrap',
    message: `cannot use bubblewrap: it does not have the option ${option}, which is needed ${purpose}`,
    hint: 'install bubblewrap 0.5 or newer',
  }
}

function tooMany(count: number): Refusal {
  return {
    kind: 'not-enforceable',
    mechanism: 'bubblewrap',
    message: `cannot use bubblewrap: the policy takes ${count} arguments and bubblewrap accepts ${bubblewrapArgumentLimit}`,
    hint: 'deny whole directories instead of single files, or use the namespace engine',
  }
}
