/**
 * What is asked of a row that is a program, step by step, and what may be said of it afterwards: nothing that was not seen. Steps
 * are programs of their own, started by `start(args)`, which answers as `spawnSync` does.
 */
const castellan = 'node_modules/.bin/castellan'

/** What both hosts print: `{ inside, refused, engine }`. */
function answerOf({ stdout }) {
  return JSON.parse(/^\{.*\}$/m.exec(stdout ?? '')?.[0] ?? '{}')
}

const didTheJob = result => {
  const { inside, refused } = answerOf(result)
  return result.status === 0 && refused === true && inside === 'inside'
}

/** Beside the row's own host, in this order. */
export const everything = [
  { name: 'a host by require', args: ['host.cjs'], holds: didTheJob },
  {
    name: 'castellan doctor',
    args: [castellan, 'doctor'],
    holds: ({ status, stdout }) => status === 0 && /^Healthy: /m.test(stdout),
  },
  {
    name: 'castellan run',
    args: [castellan, 'run', '--', 'sh', '-c', 'echo inside > made && cat made'],
    holds: ({ status, stdout }) => status === 0 && stdout === 'inside\n',
  },
  {
    name: 'castellan run, to be refused',
    args: [castellan, 'run', '--', 'sh', '-c', 'echo x > "$HOME/command" || echo refused'],
    holds: ({ status, stdout }) => status === 0 && stdout === 'refused\n',
  },
  {
    name: 'the auth example',
    args: ['auth-host.mjs'],
    holds: ({ status, stdout }) => status === 0 && /^logged out: removed true, revoked true$/m.test(stdout),
  },
]

/** Returns `{ did, trouble }`: without `trouble` every step went well. `row.all` asks everything, else its own host alone. */
export function askProgram(row, start) {
  const steps = [{ name: 'its host', args: row.args, holds: didTheJob }, ...(row.all ? everything : [])]
  let engine
  for (const { name, args, holds } of steps) {
    const result = start(args)
    if (!holds(result)) {
      const said = `${result.error ?? ''}${result.stderr ?? ''}${result.stdout ?? ''}`
      return { did: '', trouble: `${name}: ${said || `exit code ${result.status}`}`.slice(0, 600) }
    }
    engine ??= answerOf(result).engine
  }
  const job = `a command ran and a write was refused (engine \`${engine}\`)`
  if (!row.all) return { did: job }
  const ways = `${job}: from a host in ESM, from one by \`require\` and by \`castellan run\``
  const rest = '`castellan doctor` and the auth example ran'
  return { did: `${ways}; ${rest}; all as an ordinary user in a root without a compiler` }
}
