/**
 * The sentences for what a plan does not hold although the policy asks for it. Which of them apply is decided in
 * `landlock-limits.ts` and `engines.ts`; docs/limits.md explains each code at length.
 */
import type { PlanLimit, PlanLimitCode } from '../plan.ts'

const messages: Readonly<Record<PlanLimitCode, string>> = {
  'metadata-outside-roots':
    'mode, owner, times and extended attributes of files that the user owns can be changed outside the writable roots',
  'protected-paths': '.git, .codex and .agents of a writable root are writable',
  signals: 'processes of the same user outside the sandbox can be signalled',
  'process-visibility': 'names and arguments of the processes of the host can be read in /proc',
  'abstract-unix-sockets': 'abstract unix sockets of the host can be reached',
  truncate: 'files outside the writable roots can be truncated by path',
  'glob-snapshot': 'a file that matches a denied pattern and appears after the launch can be read',
  'git-commondir':
    'a file commondir can be created in the git directory, with which git takes hooks and configuration from another place',
  'reopened-descriptors': 'files of the host behind inherited descriptors can be re-opened through /proc',
  'device-metadata': 'mode and times of devices such as /dev/null, which the user owns, can be changed',
  'process-tree':
    'processes that leave the process group of their command are not ended with it, and none is when the host is killed',
  'removable-mark': 'a process that takes off the mark of its run is not ended with it',
  'unwatched-protections':
    'when somebody outside replaces a closed place while a command runs, the command goes on and can use the new one',
}

export function limit(code: PlanLimitCode): PlanLimit {
  return { code, message: messages[code] }
}
