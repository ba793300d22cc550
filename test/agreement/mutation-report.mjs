/** Whether mistakes that are made on purpose are found: the end of every script that makes them. */

/** The share of mutants that must be found, in percent. */
const LEAST = 95

/**
 * Tries every mutant, `{ name, … }`, `atOnce` of them at a time, tells which were missed, and makes the program fail below the least
 * share.
 */
export async function reportMutants(mutants, isFound, atOnce = 1) {
  const missed = []
  const waiting = mutants.values()
  const tryThem = async turn => {
    for (const mutant of waiting) if (!(await isFound(mutant, turn))) missed.push(mutant)
  }
  await Promise.all(Array.from({ length: atOnce }, (_, turn) => tryThem(turn)))
  for (const { name } of missed) console.log(`missed: ${name}`)
  const found = mutants.length - missed.length
  const share = (100 * found) / mutants.length
  console.log(`${mutants.length} mutants, ${found} found (${share.toFixed(1)} %)`)
  if (!(share >= LEAST)) process.exitCode = 1
}
