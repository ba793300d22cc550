// Times `run()` against the floor: the same command from a small C program, which is built with `cc` when there is one.
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'

import { interleave, median } from './statistics.mjs'

const source = fileURLToPath(new URL('floor.c', import.meta.url))

/** null when it cannot be built here. */
function buildFloor(folder) {
  const program = path.join(folder, 'floor')
  try {
    execFileSync('cc', ['-O2', '-o', program, source], { stdio: 'ignore' })
    return program
  } catch {
    return null
  }
}

export async function againstFloor(variants, command, folder, { rounds, block }) {
  const program = buildFloor(folder)
  if (program === null) return null
  const floor = {
    name: 'C floor (posix_spawn)',
    times() {
      const output = execFileSync(program, [String(block), command.file, ...command.args], { encoding: 'utf8' })
      return output
        .trim()
        .split('\n')
        .map(line => Number(line) / 1e6)
    },
  }
  const ours = variants.filter(({ engine, blocking }) => engine !== undefined && engine !== 'bwrap' && !blocking)
  const samples = await interleave([floor, ...ours], { rounds, warmUp: 1 }, async variant => {
    if (variant === floor) return { wall: median(floor.times()) }
    const times = []
    for (let run = 0; run < block; run++) {
      const start = performance.now()
      await variant.start(command)
      times.push(performance.now() - start)
    }
    return { wall: median(times) }
  })
  const reference = median(samples.get(floor).wall)
  return [floor, ...ours].map(variant => {
    const medianMs = median(samples.get(variant).wall)
    return { variant: variant.name, medianMs, ratio: medianMs / reference }
  })
}
