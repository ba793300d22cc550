/**
 * Questions to the Windows decisions that no case format asks, each with its one answer. Used by the tests, and by the script that
 * makes mistakes on purpose.
 */
import { choiceExamples } from './windows-examples/choices.mjs'
import { elevationExamples } from './windows-examples/elevation.mjs'
import { entryExamples } from './windows-examples/entries.mjs'
import { journalExamples } from './windows-examples/journal.mjs'
import { lineExamples } from './windows-examples/lines.mjs'
import { listExamples } from './windows-examples/lists.mjs'
import { placeExamples } from './windows-examples/places.mjs'
import { plannedPlaceExamples } from './windows-examples/planned-places.mjs'
import { programExamples } from './windows-examples/programs.mjs'
import { runnerExamples } from './windows-examples/runner.mjs'
import { setupExamples } from './windows-examples/setup.mjs'

const groups = [
  setupExamples,
  runnerExamples,
  journalExamples,
  lineExamples,
  listExamples,
  placeExamples,
  choiceExamples,
  elevationExamples,
  programExamples,
  entryExamples,
  plannedPlaceExamples,
]

/** `[name, answer, expected]`. */
export function examplesOf(library) {
  const rows = []
  for (const group of groups) group((name, ask, expected) => rows.push([name, ask, expected]), library)
  return rows
}
