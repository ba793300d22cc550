/**
 * Random policies on random disks, through resolving and the profile to the machine: every answer must be the policy's.
 * Two oracles: the rules that the policy resolved to, and, where no link and no default protection is in play, the policy's
 * own words (`accessOf`), which share no code with either.
 */
import { virtualFiles } from '../conformance/virtual-files.mjs'
import { disagreements, probesOf } from './seatbelt-law.mjs'

/** A generator of numbers below 1 that gives the same sequence for the same seed (mulberry32). */
export function randomNumbers(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const names = ['a', 'b', 'a-b', 'c', 'r[x].+', '.git', '.codex', 'q"(']
const specials = ['root', 'current_working_directory', 'tmpdir', 'slash_tmp', 'minimal', 'project_roots']

function makeWorld(random) {
  const pick = list => list[Math.floor(random() * list.length)]
  const path = () => `/w${Array.from({ length: Math.floor(random() * 5) }, () => `/${pick(names)}`).join('')}`
  const dirs = Array.from({ length: 3 + Math.floor(random() * 8) }, path)
  const links = random() < 0.5
  const fs = {
    dirs: ['/w', '/private/tmp', '/private/var/folders/T', ...dirs],
    files: random() < 0.3 ? { [`${pick(dirs)}/.git`]: `gitdir: ${pick(dirs)}\n` } : {},
    symlinks: {
      '/tmp': '/private/tmp',
      '/var': '/private/var',
      ...(links ? { [`${pick(dirs)}/link`]: pick(dirs) } : {}),
    },
  }
  const anyPath = () => (random() < 0.6 ? pick(dirs) : path()) + (links && random() < 0.2 ? '/link' : '')
  const entry = () => ({
    path:
      random() < 0.3
        ? { type: 'special', value: { kind: pick(specials) } }
        : { type: 'path', path: random() < 0.1 ? pick(['/private', '/', '/private/tmp/x', '/tmp']) : anyPath() },
    access: pick(['read', 'write', 'write', 'none']),
  })
  const entries = Array.from({ length: 1 + Math.floor(random() * 7) }, entry)
  return { fs, entries, cwd: pick(dirs), links, enabled: random() < 0.3 }
}

/** Runs until `checks` answers were compared. */
export function fuzz({ checks: wanted, seed, library, alter = profile => profile }) {
  const random = randomNumbers(seed)
  const totals = { policies: 0, checks: 0, words: 0, found: [] }
  while (totals.checks < wanted) {
    const world = makeWorld(random)
    const files = virtualFiles(world.fs)
    const surroundings = {
      policyCwd: world.cwd,
      processCwd: '/',
      temporaryDirectory: '/var/folders/T',
      home: '/Users/u',
      files,
    }
    const fileSystem = library.parseFileSystemPolicy({ kind: 'restricted', entries: world.entries })
    const policy = { form: 'split', fileSystem, network: world.enabled ? 'enabled' : 'restricted' }
    const resolved = library.resolvePolicy(policy, surroundings)
    // What the platform opens has a table of its own and is asked about elsewhere.
    const rules = resolved.rules.filter(({ origin }) => origin.kind !== 'platform-default')
    const profile = library.makeProfile({
      resolved: { ...resolved, platformDefaults: false },
      network: { ...library.closedNetwork, enabled: world.enabled },
      grants: library.parseMacosGrants(null),
      globs: [],
      home: '/Users/u',
      userCacheDirectory: null,
      canonical: library.canonicalPaths(files).canonical,
      options: {},
    })
    const paths = probesOf(rules)
    const { checks, found } = disagreements(rules, alter(profile), paths, library)
    totals.policies++
    totals.checks += checks
    const words = wordDisagreements(world, rules, fileSystem, surroundings, paths, library)
    totals.words += words.checks
    totals.found.push(...[...found, ...words.found].map(text => `${text}  seed ${seed}, policy ${totals.policies}`))
    if (totals.found.length > 20) break
  }
  return totals
}

/** The rules without default protections against the policy's own words. */
function wordDisagreements(world, rules, fileSystem, surroundings, paths, library) {
  if (world.links) return { checks: 0, found: [] }
  const found = []
  const entries = rules.filter(({ origin }) => origin.kind === 'entry')
  // Below /tmp and /var the words are about links.
  const asked = paths.filter(path => path.startsWith('/w'))
  for (const path of asked) {
    const intended = library.accessOf(fileSystem, surroundings, path)
    const rule = entries
      .filter(given => given.path === '/' || path === given.path || path.startsWith(`${given.path}/`))
      .at(-1)
    if (intended !== (rule?.access ?? 'none')) found.push(`${path}: words ${intended}, rules ${rule?.access ?? 'none'}`)
  }
  return { checks: asked.length, found }
}
