/** Whether mistakes that are made on purpose are found: the end of every script that makes them. */

/** The share of mutants that must be found, in percent. */
const LEAST = 95

/** Tries every mutant, `{ name, … }`, tells which were missed, and makes the program fail below the least share. */
export async function reportMutants(mutants, isFound) {
  const missed = []
  for (const mutant of mutants) if (!(await isFound(mutant))) missed.push(mutant)
  for (const { name } of missed) console.log(`missed: ${name}`)
  const found = mutants.length - missed.length
  const share = (100 * found) / mutants.length
  console.log(`${mutants.length} mutants, ${found} found (${share.toFixed(1)} %)`)
  if (!(share >= LEAST)) process.exitCode = 1
}
