/**
 * Property tests look at other examples in every run, but in CI at the same ones, so that a change is judged by what it
 * changes. CASTELLAN_SEED=number repeats a run.
 */
import fc from 'fast-check'

const given = process.env['CASTELLAN_SEED'] ?? (process.env['CI'] ? '20260318' : undefined)
if (given !== undefined) fc.configureGlobal({ seed: Number(given) })

// test/sanitize/run.mjs preloads the runtimes of the sanitizers for the addon; what tests start is other programs.
if (process.env['CASTELLAN_SANITIZE'] !== undefined) delete process.env['LD_PRELOAD']
