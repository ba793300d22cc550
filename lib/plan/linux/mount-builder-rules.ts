/**
 * Which rules of a resolved policy a mount plan has to do something for, and which it can never hold. Decides by the
 * surroundings of each rule: what the plan gives at that place without it. A place that mounts cannot hold is refused by
 * name; nothing here may weaken a rule. Source: spec/linux 5.3, 5.4, 5.7 and holes 3, 12, 14.
 */
import { type Notice, notice } from '../../notices.ts'
import { type AbsolutePath, ancestorsOf, contains, relativeTo } from '../../policy/path.ts'
import type { Access, AccessRule, ResolvedPolicy, RuleOrigin } from '../../policy/types.ts'
import type { Refusal } from '../plan.ts'
import { platformLink } from './mount-builder-links.ts'
import { findSwappableLink } from './swappable-links.ts'

/** A rule that differs from its surroundings, and what they are. */
export interface HeldRule extends AccessRule {
  readonly surroundings: Access
}

type Verdict = 'hold' | 'needless' | { readonly notice: Notice } | { readonly refusal: Refusal }

export type SettledRules =
  | { readonly rules: readonly HeldRule[]; readonly notices: readonly Notice[] }
  | { readonly refusal: Refusal }

/** Names in the private /dev that every command gets, open for reading and writing; see the operation `devices`. */
const privateDevices: ReadonlySet<string> = new Set(
  'null zero full random urandom tty fd stdin stdout stderr pts ptmx shm'.split(' '),
)

/** The rules in the order of a walk through the tree: every directory before what is in it, siblings by name. */
export function inTreeOrder<T extends { readonly path: AbsolutePath }>(rules: readonly T[]): T[] {
  // NUL cannot occur in a path; as the separator it keeps `/a/b` before `/a-b`, so that a subtree is one run.
  const key = (path: AbsolutePath) => (path === '/' ? '' : path.replaceAll('/', '\0'))
  return rules
    .map(rule => ({ rule, key: key(rule.path) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ rule }) => rule)
}

export function settleRules(resolved: ResolvedPolicy): SettledRules {
  const held: HeldRule[] = []
  const notices: Notice[] = []
  const above: HeldRule[] = []
  const opened = openedByEntries(resolved)
  for (const rule of inTreeOrder(withFirstMissing(resolved.rules))) {
    while (above.length > 0 && !contains(above.at(-1)!.path, rule.path)) above.pop()
    // Rules that are left out are not on the stack: what counts is what the plan gives here, not what was wished for.
    const around = above.at(-1)
    const surroundings = around?.access ?? 'none'
    const judged = around === undefined || around.target === 'directory' ? rule : belowFile(rule)
    const verdict = judge(judged, surroundings, opened)
    if (verdict === 'needless') continue
    if (verdict === 'hold') {
      const heldRule = { ...rule, surroundings }
      held.push(heldRule)
      above.push(heldRule)
    } else if ('notice' in verdict) notices.push(verdict.notice)
    else return verdict
  }
  const excess = missingBeyondLimit(held)
  if (excess !== null) return excess
  const refusal = refuseSwappableLinks(resolved, held)
  return refusal === null ? { rules: held, notices } : { refusal }
}

/** What a host keeps in mind for the case of its death, in bytes of paths; the twin of kPlaceholderListSize in native code. */
const missingPathsLimit = 64 * 1024

function missingBeyondLimit(held: readonly HeldRule[]): { readonly refusal: Refusal } | null {
  const encoder = new TextEncoder()
  let bytes = 0
  for (const rule of held) {
    if (rule.target !== 'missing') continue
    bytes += encoder.encode(rule.path).length + 1
    if (bytes > missingPathsLimit) {
      return refuse(rule, 'it is one of too many paths that do not exist', 'name the directory that is to hold them')
    }
  }
  return null
}

/** Nothing can stand below something that is not a directory. */
function belowFile({ path, access, origin }: AccessRule): AccessRule {
  return { path, access, target: 'missing', origin }
}

/**
 * What keeps a missing path from being created stands at its first missing component, as a rule of its own: around the rules
 * below it, which then find themselves in a place that is not writable. A rule that is there already speaks for itself.
 */
function withFirstMissing(rules: readonly AccessRule[]): AccessRule[] {
  const places = new Map(rules.map(rule => [rule.path, rule]))
  for (const { firstMissing, origin } of rules) {
    if (firstMissing === undefined || places.has(firstMissing)) continue
    places.set(firstMissing, { path: firstMissing, access: 'read', target: 'missing', firstMissing, origin })
  }
  return [...places.values()]
}

type OpenedPlaces = ReadonlyMap<AbsolutePath, AbsolutePath>

/** The missing places that entries open for writing, should they come to be; one for each path that contains such a place. */
function openedByEntries({ rules }: ResolvedPolicy): OpenedPlaces {
  const opened = rules.filter(({ access, target }) => access === 'write' && target === 'missing')
  return new Map(opened.flatMap(({ path }) => ancestorsOf(path).map(around => [around, path] as const)))
}

function judge(rule: AccessRule, surroundings: Access, opened: OpenedPlaces): Verdict {
  const device = contains('/dev' as AbsolutePath, rule.path)
  if (device || contains('/proc' as AbsolutePath, rule.path)) {
    // Neither place shows the host's files, so what is missing there can neither be opened nor be denied.
    if (rule.target === 'missing') return judgeMissing(rule, 'none', opened)
    return device ? judgeDevice(rule) : judgeProcessFile(rule)
  }
  if (rule.access === surroundings) return 'needless'
  if (rule.target === 'missing') return judgeMissing(rule, surroundings, opened)
  if (rule.target === 'symlink') return judgeSymlink(rule, surroundings)
  if (rule.target === 'other' && rule.access === 'read' && surroundings === 'write') {
    return refuse(
      rule,
      `a read-only mount does not stop writing into the socket, pipe or device ${rule.path}`,
      'deny it (access none), or put it outside the writable root',
    )
  }
  return 'hold'
}

function judgeMissing(rule: AccessRule, surroundings: Access, opened: OpenedPlaces): Verdict {
  if (surroundings === 'write') return judgeCreatable(rule, opened)
  // Below something that is not writable the command cannot create it: there is nothing to deny.
  if (rule.access === 'none' || rule.origin.kind !== 'entry') return 'needless'
  const kind = rule.access === 'write' ? 'writable' : 'readable'
  return {
    notice: notice(
      'missing-root',
      `the ${kind} root ${describeOrigin(rule.origin)} does not exist and is left out`,
      'create it before the sandbox is made',
    ),
  }
}

/** A command could create the path. An empty directory in its place keeps it from that, where one can be put. */
function judgeCreatable(rule: AccessRule, opened: OpenedPlaces): Verdict {
  const hint = 'create it before the launch, or name the directory that is to hold it'
  const first = rule.firstMissing
  if (first === undefined) {
    return refuse(rule, `${rule.path} does not exist, and what it would be created in is not a directory`, hint)
  }
  // A default protection gives way to no entry below it, present or missing; an entry must not undo another in silence.
  const undone = rule.origin.kind === 'entry' ? opened.get(first) : undefined
  if (undone === undefined) return 'hold'
  const reason = `${first} does not exist, and keeping it from being created would close ${undone}, which is to be writable`
  return refuse(rule, reason, hint)
}

function judgeSymlink(rule: AccessRule, surroundings: Access): Verdict {
  // A platform default such as /bin: the link is made again in the empty root, its target has a rule of its own. Where it
  // is not known what the link says, the place is still there under its real name.
  if (surroundings === 'none' && rule.origin.kind === 'platform-default') {
    return platformLink(rule.path) === null ? 'needless' : 'hold'
  }
  return refuse(
    rule,
    surroundings === 'write'
      ? `${rule.path} is a symbolic link inside a writable root: a mount follows it, so the link itself could be replaced`
      : `${rule.path} is a symbolic link, and a mount cannot stand for a link's own name`,
    'name the directory or file that the link points to',
  )
}

/** /dev is private: what it holds is open to every command, what it does not hold is closed to every command. */
function judgeDevice(rule: AccessRule): Verdict {
  const [name = '', ...below] = relativeTo('/dev' as AbsolutePath, rule.path).split('/')
  const provided = privateDevices.has(name)
  if (name === '' && rule.access === 'read') return 'needless'
  if (provided && below.length === 0 && rule.access !== 'none') return 'needless'
  if (name !== '' && !provided && rule.access === 'none') return 'needless'
  return refuse(
    rule,
    `every command gets a private, minimal /dev, so ${rule.path} cannot have the access ${rule.access}`,
    'leave the entry out',
  )
}

function judgeProcessFile(rule: AccessRule): Verdict {
  if (rule.access === 'read') return 'needless'
  return refuse(
    rule,
    `every command gets a readable, read-only /proc, so ${rule.path} cannot have the access ${rule.access}`,
    'leave the entry out',
  )
}

function refuseSwappableLinks(resolved: ResolvedPolicy, held: readonly HeldRule[]): Refusal | null {
  const found = findSwappableLink(resolved, held)
  if (found === null) return null
  const { rule, alias, root } = found
  return refuse(
    rule,
    `the way to ${alias} crosses a symbolic link inside the writable root ${root}, where a command could replace it`,
    `use ${rule.path}, the place it leads to now`,
  ).refusal
}

/** The words that name a rule to the person who wrote the policy. */
export function describeOrigin(origin: RuleOrigin): string {
  if (origin.kind === 'entry') return `entries[${origin.index}] (${origin.spelled})`
  if (origin.kind === 'protection') return `the default protection ${origin.name} of ${origin.root}`
  if (origin.kind === 'git') return `the git directory of ${origin.root}`
  return 'a platform default'
}

function refuse(rule: AccessRule, reason: string, hint: string): { readonly refusal: Refusal } {
  return {
    refusal: {
      kind: 'not-enforceable',
      ...(rule.origin.kind === 'entry' ? { entry: rule.origin.spelled } : {}),
      mechanism: 'mount plan',
      message: `cannot hold ${describeOrigin(rule.origin)} with access ${rule.access}: ${reason}`,
      hint,
    },
  }
}
