/** What engines make of a policy, as rows for a person. */
import type { EngineVerdict } from '../index.ts'
import { type Cell, table } from './table.ts'
import type { Colour } from './terminal.ts'

const stateColours: Readonly<Record<EngineVerdict['state'], Colour>> = {
  held: 'green',
  refused: 'red',
  unavailable: 'yellow',
  'would-hold': 'green',
  'would-refuse': 'red',
}

export type EngineRow = readonly [system: string, engine: string, state: Cell, reason: string]

/** The reason is what is not held, or why nothing is. */
export function engineRow(verdict: EngineVerdict): EngineRow {
  const { system, engine, state } = verdict
  return [system, engine, { text: state.replace('-', ' '), colour: stateColours[state] }, reasonOf(verdict)]
}

/** What another system would hold is what its plan says, and what is to be known of that system is said with it. */
function reasonOf({ state, limits, notices, why }: EngineVerdict): string {
  const held = limits.length === 0 ? 'all of it' : `but for: ${listed(limits)}`
  if (state === 'held') return held
  if (state !== 'would-hold') return why ?? ''
  return notices.length === 0 ? `by its plan ${held}` : `by its plan ${held} (${listed(notices)})`
}

const listed = (items: readonly { readonly code: string }[]) => [...new Set(items.map(({ code }) => code))].join(', ')

export function engineTable(
  engines: readonly EngineVerdict[],
  paint: (colour: Colour, text: string) => string,
): readonly string[] {
  return table(['SYSTEM', 'ENGINE', 'STATE', ''], engines.map(engineRow), paint)
}
