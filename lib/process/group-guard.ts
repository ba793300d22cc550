/**
 * Ends the groups of running commands when this process dies in whatever way: a shell that waits for the end of a pipe which
 * only this process holds open. One per environment, started with the first command.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

// `+N` and `-N` tell of groups. The list begins and ends with a blank, so that every number in it stands between two.
const script = `groups=' '
while read -r line; do
  number=\${line#?}
  case $line in
  +*) groups="$groups$number " ;;
  -*) groups="\${groups%% $number *} \${groups#* $number }" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done`

let guard: ChildProcess | null = null

/** Returns what is to be called when the group has ended, or is to outlive this process. */
export function guardGroup(group: number): () => void {
  const input = running().stdin
  input?.write(`+${group}\n`)
  let done = false
  return () => {
    if (done) return
    done = true
    input?.write(`-${group}\n`)
  }
}

function running(): ChildProcess {
  if (guard !== null && guard.exitCode === null && guard.signalCode === null) return guard
  const started = spawn('/bin/sh', ['-c', script], {
    cwd: '/',
    env: {},
    stdio: ['pipe', 'ignore', 'ignore'],
    // A signal of the terminal to this process must not end its guard.
    detached: true,
  })
  started.on('error', () => {})
  started.stdin.on('error', () => {})
  started.unref()
  const pipe = started.stdin as unknown as Socket
  pipe.unref()
  guard = started
  return started
}
