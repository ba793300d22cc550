/**
 * Patterns as sets that paths are held against, name by name from the root: for a question about one path, and for a walk
 * through the disk that turns away where nothing can match any more.
 */
import { type Component, matchesName, readPattern } from './glob-pattern.ts'
import { type AbsolutePath, childOf, ROOT } from './path.ts'

/** A pattern of a policy, made absolute. */
export interface Glob {
  readonly pattern: AbsolutePath
  /** The place in the policy's list. */
  readonly index: number
  readonly choices: readonly (readonly Component[])[]
}

/** Null when the pattern cannot be read: it must then be taken to match everything. */
export function compileGlob(pattern: AbsolutePath, index: number): Glob | null {
  const choices = readPattern(pattern)
  return choices === null ? null : { pattern, index, choices }
}

/** How far each choice of some patterns is matched by the names that were entered. */
export interface GlobCursor {
  /** The cursor for a name in this directory. */
  enter(name: string): GlobCursor
  /** The index of the first pattern that the names match as a whole; null when none does. */
  readonly matched: number | null
  /** Whether something further below can match. */
  readonly open: boolean
  /** The index of the first pattern that something further below can match; 0 when `open` is false. */
  readonly firstOpen: number
}

interface State {
  readonly glob: Glob
  readonly choice: readonly Component[]
  /** The component that the next name has to be. */
  readonly at: number
}

/** The state, and those that are reached by letting `**` stand for no directory at all. As the last one it stands for some. */
function* reached(state: State): Generator<State> {
  yield state
  const { choice, at } = state
  if (choice[at]?.kind === 'directories' && at + 1 < choice.length) yield* reached({ ...state, at: at + 1 })
}

function* entered(state: State, name: string): Generator<State> {
  const { choice, at } = state
  const component = choice[at]
  if (component === undefined || !matchesName(component, name)) return
  if (component.kind === 'directories') yield* reached(state)
  if (component.kind !== 'directories' || at + 1 === choice.length) yield* reached({ ...state, at: at + 1 })
}

class Cursor implements GlobCursor {
  readonly #states: readonly State[]
  readonly matched: number | null
  readonly open: boolean
  readonly firstOpen: number

  constructor(states: Iterable<State>) {
    const seen = new Map<readonly Component[], Set<number>>()
    const kept: State[] = []
    for (const state of states) {
      const known = seen.get(state.choice)
      if (known?.has(state.at)) continue
      if (known === undefined) seen.set(state.choice, new Set([state.at]))
      else known.add(state.at)
      kept.push(state)
    }
    this.#states = kept
    const complete = kept.filter(({ choice, at }) => at === choice.length)
    this.matched = complete.length === 0 ? null : Math.min(...complete.map(({ glob }) => glob.index))
    this.open = complete.length < kept.length
    const hopeful = kept.filter(({ choice, at }) => at < choice.length)
    this.firstOpen = hopeful.reduce((first, { glob }) => Math.min(first, glob.index), hopeful[0]?.glob.index ?? 0)
  }

  enter(name: string): GlobCursor {
    const states = this.#states
    function* all() {
      for (const state of states) yield* entered(state, name)
    }
    return new Cursor(all())
  }
}

/** At the root of the file system. */
export function globCursor(globs: readonly Glob[]): GlobCursor {
  function* all() {
    for (const glob of globs) for (const choice of glob.choices) yield* reached({ glob, choice, at: 0 })
  }
  return new Cursor(all())
}

function namesOf(path: AbsolutePath): string[] {
  return path === ROOT ? [] : path.slice(1).split('/')
}

/** The cursor at a path. */
export function enterPath(cursor: GlobCursor, path: AbsolutePath): GlobCursor {
  return namesOf(path).reduce((at, name) => at.enter(name), cursor)
}

/** Whether a path, as a whole, is one that some pattern stands for. `/**` also stands for the root. */
export function matchesGlobs(globs: readonly Glob[], path: AbsolutePath): boolean {
  if (path === ROOT) return globs.some(({ pattern }) => pattern === '/**')
  return enterPath(globCursor(globs), path).matched !== null
}

/** The fixed beginnings of a pattern: for each choice the directory in which looking has to start, or the one path it names. */
export function fixedPlaces({ choices }: Glob): { readonly path: AbsolutePath; readonly whole: boolean }[] {
  return choices.map(choice => {
    const wild = choice.findIndex(component => component.kind !== 'name')
    const fixed = wild === -1 ? choice : choice.slice(0, wild)
    const path = fixed.reduce((at, component) => childOf(at, component.kind === 'name' ? component.name : ''), ROOT)
    return { path, whole: wild === -1 }
  })
}
