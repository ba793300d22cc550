/**
 * The law of the Windows planner on random policies: what the planned access lists give a command, in the model of access lists, is
 * what the policy says. Never more; and less only where the plan says so.
 */
import { windowsFiles } from '../conformance/windows-files.mjs'

const disk = {
  dirs: [
    'C:\\Windows\\System32',
    'C:\\Users\\u\\Documents',
    'C:\\Users\\u\\.ssh',
    'C:\\Users\\u\\.codex\\.sandbox-secrets',
    'C:\\ws\\.git\\hooks',
    'C:\\ws\\a\\b\\c',
    'C:\\ws\\d',
    'C:\\data\\.codex',
    'C:\\data\\x\\y',
    'C:\\docs\\z',
    'C:\\t\\.git',
  ],
  files: { 'C:\\ws\\a\\f.txt': '', 'C:\\data\\x\\key.pem': '', 'C:\\docs\\z\\key.pem': '' },
  symlinks: { 'C:\\ws\\lnk': 'C:\\data\\x' },
}

const probes = [
  ...['C:\\ws', 'C:\\ws\\a', 'C:\\ws\\a\\b', 'C:\\ws\\a\\b\\c', 'C:\\ws\\d', 'C:\\ws\\.git', 'C:\\ws\\.git\\hooks'],
  ...['C:\\ws\\new', 'C:\\ws\\a\\new', 'C:\\ws\\a\\f.txt', 'C:\\ws\\a\\b\\c\\new', 'C:\\ws\\gone', 'C:\\ws\\gone\\new'],
  ...['C:\\data', 'C:\\data\\new', 'C:\\data\\.codex', 'C:\\data\\x', 'C:\\data\\x\\y', 'C:\\data\\x\\key.pem'],
  ...['C:\\docs', 'C:\\docs\\z', 'C:\\docs\\z\\new', 'C:\\docs\\z\\key.pem', 'C:\\t', 'C:\\t\\new', 'C:\\t\\.git'],
  ...['C:\\Users\\u\\.ssh', 'C:\\Users\\u\\.codex', 'C:\\other'],
]

const places = [
  ...['C:\\ws', 'C:\\ws\\a', 'C:\\WS\\A\\b', 'C:\\ws\\a\\b\\c', 'C:\\ws\\a\\f.txt', 'C:\\ws\\d', 'C:\\ws\\lnk'],
  ...[
    'C:\\ws\\gone',
    'C:\\ws\\gone\\deep',
    'C:\\ws\\.git',
    'C:\\data',
    'C:\\data\\x',
    'C:\\Data\\x\\y',
    'C:\\docs',
    'C:\\docs\\z',
    'C:\\t',
  ],
]

/** Small and repeatable: mulberry32. */
export function randomOf(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
  return { next, below: count => Math.floor(next() * count), one: list => list[Math.floor(next() * list.length)] }
}

const special = (kind, access) => ({ path: { type: 'special', value: { kind } }, access })
const entry = (path, access) => ({ path: { type: 'path', path }, access })

function randomSplit(random) {
  const entries = random.next() < 0.6 ? [special('root', 'read')] : []
  if (random.next() < 0.6) entries.push(special('current_working_directory', 'write'))
  if (random.next() < 0.3) entries.push(special('tmpdir', 'write'))
  if (random.next() < 0.2) entries.push(special('minimal', 'read'))
  for (let count = random.below(5); count > 0; count--) {
    entries.push(entry(random.one(places), random.one(['read', 'read', 'write', 'none'])))
  }
  if (random.next() < 0.15) {
    entries.push({
      path: { type: 'glob_pattern', pattern: random.one(['C:\\**\\*.pem', 'C:\\Data\\**\\*.PEM']) },
      access: 'none',
    })
  }
  return { file_system: { kind: 'restricted', entries }, network: random.one(['restricted', 'enabled']) }
}

function randomLegacy(random) {
  const read = {
    type: 'restricted',
    include_platform_defaults: random.next() < 0.5,
    readable_roots: [random.one(places)],
  }
  const access = random.next() < 0.5 ? { type: 'full-access' } : read
  if (random.next() < 0.3) return { type: 'read-only', access, network_access: false }
  return {
    type: 'workspace-write',
    writable_roots: random.next() < 0.5 ? [] : [random.one(places)],
    read_only_access: access,
    network_access: false,
    exclude_tmpdir_env_var: random.next() < 0.5,
    exclude_slash_tmp: true,
  }
}

function randomQuestion(random) {
  return {
    policy: random.next() < 0.75 ? randomSplit(random) : randomLegacy(random),
    cwd: 'C:\\ws',
    stateDirectory: 'C:\\Users\\u\\.codex',
    backend: random.one(['unelevated', 'elevated', 'elevated']),
    environment: {},
    host: { USERPROFILE: 'C:\\Users\\u', TEMP: 'C:\\t' },
    files: windowsFiles(disk),
    options: {
      splitSupport: random.one(['round-trip', 'carve-outs', 'carve-outs']),
      capabilities: random.one(['per-root', 'per-root', 'shared']),
    },
  }
}

const RX = 0x1200a9
const FULL = 0x1f01ff

/** The lists before: the user's own everything, the system's for everyone to read. */
function listsBefore() {
  const ace = (sid, mask) => ({ type: 'allow', sid, mask, inherited: true })
  return {
    own: new Map([
      ['c:/', [ace('user', FULL)]],
      ['c:/windows', [ace('users', RX)]],
    ]),
    protected: new Set(['c:/users/u']),
  }
}

/** The user's profile inherits nothing from the disk. */
function treeOf() {
  const tree = listsBefore()
  tree.own.set('c:/users/u', [{ type: 'allow', sid: 'user', mask: FULL, inherited: true }])
  return tree
}

const RANK = { none: 0, read: 1, write: 2 }
const under = (path, place) => path === place || path.startsWith(`${place}\\`)

/** The entries that say what the policy means, with names in place of links and of the temporary directory. */
function oracle({ policy, files, cwd }, library) {
  const { policy: read } = library.parseWindowsPolicy(policy, cwd)
  const around = {
    policyCwd: library.policyPathOf(cwd),
    processCwd: library.policyPathOf(cwd),
    temporaryDirectory: library.policyPathOf('C:\\t'),
    home: undefined,
    files: library.policyView(files),
  }
  const split = read.form === 'split' ? read.fileSystem : library.legacyToSplit(read.legacy, around)
  const canonical = path => (path.startsWith('/c:/ws/lnk') ? path.replace('/c:/ws/lnk', '/c:/data/x') : path)
  const named = split.entries.map(item =>
    item.path.type === 'path' ? { ...item, path: { type: 'path', path: canonical(item.path.path) } } : item,
  )
  const patterns = named.some(item => item.path.type === 'glob_pattern')
  const extra = patterns ? matchesOf(named) : []
  const entries = [...named.filter(item => item.path.type !== 'glob_pattern'), ...extra]
  const fileSystem = { ...split, entries }
  return { fileSystem, access: path => library.accessOf(fileSystem, around, library.policyPathOf(path)) }
}

function matchesOf(entries) {
  const pattern = entries.find(item => item.path.type === 'glob_pattern').path.pattern
  const all = ['/c:/data/x/key.pem', ...(pattern.includes('data') ? [] : ['/c:/docs/z/key.pem'])]
  return all.map(path => ({ path: { type: 'path', path }, access: 'none' }))
}

/** What no policy of these opens for writing by its parent alone. */
function protectedPlaces({ fileSystem }) {
  const named = new Set(fileSystem.entries.map(item => item.path.path))
  const roots = fileSystem.entries.filter(item => item.access === 'write').map(item => item.path.path)
  const list = []
  const isRoot = root => roots.includes(root)
  const cwdWritten = fileSystem.entries.some(
    item => item.access === 'write' && item.path.value?.kind === 'current_working_directory',
  )
  if ((cwdWritten || isRoot('/c:/ws')) && !named.has('/c:/ws/.git')) list.push('C:\\ws\\.git')
  if (isRoot('/c:/data') && !named.has('/c:/data/.codex')) list.push('C:\\data\\.codex')
  if (isRoot('/c:/t') && !named.has('/c:/t/.git')) list.push('C:\\t\\.git')
  return list
}

function sidOfRole(role) {
  return `sid:${role}`
}

function viewOf(plan, library) {
  const user = plan.backend === 'elevated' ? ['account', 'sid:group'] : ['user']
  return library.makeAclView({
    plan,
    tree: treeOf(),
    principals: [...user, 'users', 'everyone', 'logon'],
    sidOfPrincipal: principal => principal,
    sidOfRole,
  })
}

/** The places that an entry opens for reading by its own path, or the working directory of a policy that reads everything. */
function mustRead(path, { fileSystem }, plan, files) {
  if (plan.backend === 'unelevated') return true
  const written = fileSystem.entries.flatMap(item => (item.path.type === 'path' ? [item.path.path] : []))
  const exists = place => files.kindOf(place.slice(1).replaceAll('/', '\\')) !== 'missing'
  return written.some(place => exists(place) && under(path.toLowerCase(), place.slice(1).replaceAll('/', '\\')))
}

function* violations(question, plan, library) {
  const view = viewOf(plan, library)
  const meant = oracle(question, library)
  const closed = protectedPlaces(meant)
  const restsOnMissing = path => under(path, 'C:\\ws\\gone')
  for (const path of probes) {
    const intended = meant.access(path)
    const isClosed = closed.some(place => under(path, place)) || under(path, 'C:\\Users\\u\\.codex')
    const allowed = isClosed && intended === 'write' ? 'read' : intended
    const given = view.accessOf(path)
    if (RANK[given] > RANK[allowed]) yield { path, given, allowed, what: 'more' }
    const isMissed =
      RANK[given] < RANK[allowed] &&
      !restsOnMissing(path) &&
      !under(path, 'C:\\Users\\u') &&
      (allowed === 'write' || mustRead(path, meant, plan, question.files))
    if (isMissed) yield { path, given, allowed, what: 'less' }
    if (view.mayChangeList(path)) yield { path, what: 'changes its own list' }
    if (plan.backend === 'elevated' && allowed !== 'write' && view.mayDelete(path)) yield { path, what: 'deletes' }
  }
  yield* movableParents(plan, view)
  yield* wrongLimits(plan, closed)
}

/** A directory that holds a denied place must not be moved away with it. */
function* movableParents(plan, view) {
  if (plan.backend !== 'elevated') return
  for (const denied of [...plan.denyWrite, ...plan.denyRead]) {
    const root = plan.allowWrite.filter(place => under(denied, place)).sort((a, b) => b.length - a.length)[0]
    if (root === undefined) continue
    let place = denied.slice(0, denied.lastIndexOf('\\'))
    for (; place !== root && under(place, root); place = place.slice(0, place.lastIndexOf('\\'))) {
      if (view.mayDelete(place)) yield { path: place, what: 'moves the parent of a denied place' }
    }
  }
}

function* wrongLimits(plan) {
  const codes = new Set(plan.limits.map(({ code }) => code))
  const expected = plan.backend === 'unelevated' ? 'read-open' : 'read-grants-only'
  if (!codes.has(expected)) yield { what: `the limit ${expected} is not told` }
  const deletes = plan.backend === 'unelevated' && plan.tokenMode === 'write'
  if (codes.has('delete-via-parent') !== deletes) yield { what: 'the limit delete-via-parent is wrong' }
}

function* reversalViolations(plan, library) {
  const before = treeOf()
  const { tree, reversals } = library.applyOperations(before, library.aclOperations(plan, sidOfRole))
  const changed = library.describeTree(tree)
  const after = reversals.reduce(library.revertEntry, tree)
  if (library.describeTree(after).join() !== library.describeTree(before).join()) yield { what: 'is not taken back' }
  if (plan.accessEntries.length > 0 && changed.join() === library.describeTree(before).join())
    yield { what: 'is not applied' }
  const again = library.applyOperations(tree, library.aclOperations(plan, sidOfRole))
  if (again.reversals.length > 0) yield { what: 'is applied twice' }
}

/** What random policies break, at most one finding for each and no more than is enough; and how many became plans. */
export function checkPlans({ policies, seed, library, alter = plan => plan, enough = policies }) {
  const random = randomOf(seed)
  const found = []
  const kinds = new Map()
  let plans = 0
  for (let count = 0; count < policies && found.length < enough; count++) {
    const question = randomQuestion(random)
    const answer = library.planForWindows(question)
    if ('refusal' in answer) {
      kinds.set(answer.refusal.kind, (kinds.get(answer.refusal.kind) ?? 0) + 1)
      continue
    }
    plans++
    const plan = alter(answer.plan)
    for (const violation of [...violations(question, plan, library), ...reversalViolations(plan, library)]) {
      const { policy, backend, options } = question
      found.push({ ...violation, policy, backend, options })
      break
    }
  }
  return { found, plans, kinds }
}
