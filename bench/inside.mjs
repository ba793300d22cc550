// How much slower work is inside: much looking at files, many program starts, and a C compiler, against the same without a
// sandbox. The start of the sandbox itself is small beside each.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { performance } from 'node:perf_hooks'

import { interleave, median } from './statistics.mjs'

const hasCompiler = () => {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Prints nothing; exits with 0. */
function workloads(folder, short) {
  const source = path.join(folder, 'inside.c')
  const functions = Array.from(
    { length: short ? 200 : 1500 },
    (_, at) => `int f${at}(int x) { return x * ${at} + x / 3; }`,
  )
  writeFileSync(source, `#include <stdio.h>\n#include <stdlib.h>\n${functions.join('\n')}\n`)
  const shell = script => ({ file: 'sh', args: ['-c', script], output: '' })
  const execs = short ? 50 : 300
  return {
    'find, with stat of each file': shell(
      `find ${short ? '/usr/include' : '/usr/lib'} -size +100000k >/dev/null 2>&1; exit 0`,
    ),
    [`sh that starts ${execs} programs`]: shell(`i=0; while [ $i -lt ${execs} ]; do /bin/true; i=$((i+1)); done`),
    // The directory for temporary files of others is not writable inside.
    ...(hasCompiler() ? { 'C compiler': shell(`TMPDIR='${folder}' cc -O1 -c -o '${source}.o' '${source}'`) } : {}),
  }
}

export async function slowDownInside(variants, folder, { rounds, short }) {
  const compared = variants.filter(
    ({ name, engine, blocking }) => name === 'child_process.spawn' || (engine !== undefined && !blocking),
  )
  const sections = []
  for (const [work, command] of Object.entries(workloads(folder, short))) {
    const samples = await interleave(compared, { rounds, warmUp: 1 }, async variant => {
      const start = performance.now()
      await variant.start(command)
      return { wall: performance.now() - start }
    })
    const reference = median(samples.get(compared[0]).wall)
    const rows = compared.map(variant => {
      const medianMs = median(samples.get(variant).wall)
      return { variant: variant.name, medianMs, ratio: medianMs / reference }
    })
    sections.push({ work, rounds, rows })
  }
  return sections
}
