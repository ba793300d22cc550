/**
 * A command's processes where nothing keeps them together but their session: its process group, and by the list of processes
 * what descends from it in other groups. What left the group and lost its parent is not found.
 */
import { spawnSync } from 'node:child_process'

/** What ps(1) tells of one process. `started` tells it from a later one with the same number. */
export interface ListedProcess {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly started: string
}

/** Every process of this machine; empty when they cannot be listed. */
export function listProcesses(): ListedProcess[] {
  const { stdout } = spawnSync('/bin/ps', ['-A', '-o', 'pid=,ppid=,pgid=,lstart='], {
    encoding: 'utf8',
    env: { LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: Number.POSITIVE_INFINITY,
  })
  return (stdout ?? '').split('\n').flatMap(line => {
    const [, pid, parent, group, started] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*\S)\s*$/.exec(line) ?? []
    return started === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group), started }]
  })
}

/** `leader` and what descends from it, as far as parents tell. */
export function descendantsOf(leader: number, listed: readonly ListedProcess[]): ListedProcess[] {
  const children = byParent(listed)
  const found = listed.filter(({ pid }) => pid === leader)
  for (let index = 0; index < found.length; index++) found.push(...(children.get(found[index]!.pid) ?? []))
  return found
}

function byParent(listed: readonly ListedProcess[]): Map<number, ListedProcess[]> {
  const groups = new Map<number, ListedProcess[]>()
  for (const item of listed) {
    const group = groups.get(item.parent)
    if (group === undefined) groups.set(item.parent, [item])
    else group.push(item)
  }
  return groups
}

export class ProcessTree {
  readonly #leader: number
  readonly #ownGroup: boolean
  #known: readonly ListedProcess[] = []
  #leaderEnded = false

  /** `ownGroup`: the leader was started in a session of its own. */
  constructor(leader: number, ownGroup: boolean) {
    this.#leader = leader
    this.#ownGroup = ownGroup
  }

  /** `signal` to every process that is found. */
  signal(signal: number): void {
    const listed = listProcesses()
    const alive = this.#known.filter(known => listed.some(item => isSame(item, known)))
    // Whoever has the leader's number after its end is somebody else.
    const roots = this.#leaderEnded ? alive.map(({ pid }) => pid) : [this.#leader, ...alive.map(({ pid }) => pid)]
    this.#note([...alive, ...roots.flatMap(pid => descendantsOf(pid, listed))])
    if (!this.#leaderEnded) this.#signalGroup(signal)
    for (const { pid } of this.#known) send(pid, signal)
  }

  /** To be called once, at once when the leader has ended: nobody else can have its group's number yet. Ends what is left. */
  endRest(): void {
    this.#leaderEnded = true
    this.#signalGroup(9)
    if (this.#known.length > 0) this.#forgetLeader(listProcesses())
    for (const { pid } of this.#known) send(pid, 9)
    this.#known = []
  }

  /** The same, but what is left goes on, and gets later signals. */
  leaveRest(): void {
    this.#leaderEnded = true
    const listed = listProcesses()
    if (this.#ownGroup) this.#note([...this.#known, ...listed.filter(({ group }) => group === this.#leader)])
    this.#forgetLeader(listed)
  }

  #note(found: readonly ListedProcess[]): void {
    this.#known = [...new Map(found.map(item => [item.pid, item])).values()]
  }

  #forgetLeader(listed: readonly ListedProcess[]): void {
    this.#known = this.#known.filter(known => known.pid !== this.#leader && listed.some(item => isSame(item, known)))
  }

  #signalGroup(signal: number): void {
    // Never 0 or 1: they would be the caller's own group, or everybody.
    if (this.#ownGroup && this.#leader > 1) send(-this.#leader, signal)
  }
}

function isSame(left: ListedProcess, right: ListedProcess): boolean {
  return left.pid === right.pid && left.started === right.started
}

function send(pid: number, signal: number): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended, or is another user's by now.
  }
}
