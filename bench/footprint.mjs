// What stands beside a command while it runs: processes between this one and it, and what they have in memory.
import { readdirSync, readFileSync } from 'node:fs'

const read = file => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** All descendants of this process, with parent, name and private resident KiB. */
function descendants() {
  const all = new Map()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = read(`/proc/${name}/stat`)
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (stat !== '') all.set(Number(name), parent)
  }
  const own = new Set([process.pid])
  // Parents have no smaller number for certain, so until nothing is found any more.
  for (let before = 0; before !== own.size; ) {
    before = own.size
    for (const [pid, parent] of all) if (own.has(parent)) own.add(pid)
  }
  own.delete(process.pid)
  return own
}

function privateKib(pid) {
  const text = read(`/proc/${pid}/smaps_rollup`)
  return [...text.matchAll(/^Private_\w+:\s+(\d+) kB/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0)
}

const isSleep = pid => read(`/proc/${pid}/cmdline`).startsWith('sleep\0')

/** Each variant runs `sleep` once. What was there before, as the guard of castellan, is not counted. */
export async function footprint(variants) {
  const rows = []
  for (const variant of variants.filter(({ blocking }) => !blocking)) {
    const before = descendants()
    let running = true
    const ended = variant.start({ file: 'sleep', args: ['0.7'], output: '' }).finally(() => {
      running = false
    })
    let seen = []
    while (running) {
      await new Promise(resolve => setTimeout(resolve, 100))
      const now = [...descendants()].filter(pid => !before.has(pid))
      if (!now.some(isSleep)) continue
      seen = now.filter(pid => !isSleep(pid)).map(privateKib)
    }
    await ended
    rows.push({ variant: variant.name, processes: seen.length, privateKib: seen.reduce((sum, kib) => sum + kib, 0) })
  }
  return rows
}
