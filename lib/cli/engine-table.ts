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
export function engineRow({ system, engine, state, limits, why }: EngineVerdict): EngineRow {
  const codes = [...new Set(limits.map(({ code }) => code))].join(', ')
  const held = codes === '' ? 'all of it' : `but for: ${codes}`
  return [system, engine, { text: state.replace('-', ' '), colour: stateColours[state] }, reasonOf(state, held, why)]
}

/** What another system would hold is what its plan says; nobody has seen it there. */
function reasonOf(state: EngineVerdict['state'], held: string, why: string | undefined): string {
  if (state === 'held') return held
  return state === 'would-hold' ? `by its plan ${held}` : (why ?? '')
}

export function engineTable(
  engines: readonly EngineVerdict[],
  paint: (colour: Colour, text: string) => string,
): readonly string[] {
  return table(['SYSTEM', 'ENGINE', 'STATE', ''], engines.map(engineRow), paint)
}
