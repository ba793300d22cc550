/**
 * The law for a Seatbelt profile: what the machine answers in every world is what the rules of the policy say. The library's
 * functions are passed in, so that the tests ask the sources and the script asks the built package.
 */

const under = (parent, path) => parent === '/' || path === parent || path.startsWith(`${parent}/`)
const strictlyUnder = (parent, path) => path !== parent && under(parent, path)

/** The rule that contains the path and is the longest, found the slow and obvious way. */
function accessAt(rules, path) {
  let best = null
  for (const rule of rules) {
    if (under(rule.path, path) && (best === null || rule.path.length > best.path.length)) best = rule
  }
  return best?.access ?? 'none'
}

/** Operation by operation, what the rules mean for a path. */
export function expectations(rules, path) {
  const access = accessAt(rules, path)
  const reads = access !== 'none'
  const writes = access === 'write'
  // Programs look at the directories on the way to what they may use.
  const onTheWay = rules.some(rule => rule.access !== 'none' && strictlyUnder(path, rule.path))
  const holdsClosed = rules.some(rule => rule.access !== 'write' && strictlyUnder(path, rule.path))
  const closed = rules.some(rule => rule.access === 'none' && rule.path !== '/' && under(rule.path, path))
  return {
    'file-read-data': reads,
    'file-read-xattr': reads,
    'file-map-executable': reads,
    'file-read-metadata': reads || onTheWay,
    'file-test-existence': reads || onTheWay,
    'file-write-data': writes,
    'file-write-create': writes,
    'file-write-mode': writes,
    'file-write-xattr': writes,
    'file-write-unlink': writes && !holdsClosed,
    'process-exec': reads || !closed,
  }
}

export function probesOf(rules) {
  const paths = new Set(['/', '/unrelated', '/unrelated/x'])
  for (const { path } of rules) {
    const plain = path === '/' ? '' : path
    for (const more of ['/child', '/child/below', '/.gitignore', '-alike']) paths.add(`${plain}${more}`)
    for (let up = plain; up !== ''; up = up.slice(0, up.lastIndexOf('/'))) {
      paths.add(up)
      paths.add(`${up.slice(0, up.lastIndexOf('/'))}/sibling`)
    }
  }
  paths.delete('-alike')
  return [...paths]
}

/** Asks everything about every path. */
export function disagreements(rules, profile, paths, library) {
  const machine = library.makeSbplMachine(profile.text, profile.parameters)
  const found = []
  let checks = 0
  for (const path of paths) {
    for (const [operation, allowed] of Object.entries(expectations(rules, path))) {
      for (const world of library.sbplWorlds) {
        checks++
        const { verdict } = machine.decide(operation, { path, vnodeType: 'DIRECTORY' }, world, path.length % 2 === 0)
        if ((verdict === 'allow') === allowed) continue
        found.push(
          `${operation} ${path}: rules ${allowed ? 'allow' : 'deny'}, profile ${verdict} (${Object.values(world)})`,
        )
      }
    }
  }
  return { checks, found }
}
