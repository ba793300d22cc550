// Rounds that take turns, and what is said about them. Load from elsewhere moves absolute times by a factor of two and
// more; a ratio of medians from one run, in which every variant met the same load, is what can be compared.

/** @param {readonly number[]} values @param {number} share 0 … 1 */
export function percentile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = values => percentile(values, 0.5)

export function summary(values) {
  return { median: median(values), p95: percentile(values, 0.95), count: values.length }
}

/**
 * Calls `measure` once per variant and round: A B C, B C A, C A B … Each call gives numbers by name; the result has, for
 * every variant, the list of each. The first `warmUp` rounds are thrown away.
 */
export async function interleave(variants, { rounds, warmUp = 2 }, measure) {
  const samples = new Map(variants.map(variant => [variant, {}]))
  for (let round = -warmUp; round < rounds; round++) {
    for (let turn = 0; turn < variants.length; turn++) {
      const variant = variants[(turn + Math.max(round, 0)) % variants.length]
      const values = await measure(variant)
      if (round < 0) continue
      const lists = samples.get(variant)
      for (const [name, value] of Object.entries(values)) {
        lists[name] ??= []
        lists[name].push(value)
      }
    }
  }
  return samples
}
