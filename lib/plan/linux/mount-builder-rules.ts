/**
 * Which rules of a resolved policy a mount plan has to do something for, and which it can never hold. Decides by the
 * surroundings of each rule: what the plan gives at that place without it. A place that mounts cannot hold is refused by
 * name; nothing here may weaken a rule. Source: spec/linux 5.3, 5.4, 5.7 and holes 3, 12, 14.
 */
import { type Notice, notice } from '../../notices.ts'
import { type AbsolutePath, contains, relativeTo } from '../../policy/path.ts'
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
  for (const rule of inTreeOrder(resolved.rules)) {
    while (above.length > 0 && !contains(above.at(-1)!.path, rule.path)) above.pop()
    // Rules that are left out are not on the stack: what counts is what the plan gives here, not what was wished for.
    const around = above.at(-1)
    const surroundings = around?.access ?? 'none'
    const verdict = judge(around === undefined || around.target === 'directory' ? rule : belowFile(rule), surroundings)
    if (verdict === 'needless') continue
    if (verdict === 'hold') {
      const heldRule = { ...rule, surroundings }
      held.push(heldRule)
      above.push(heldRule)
    } else if ('notice' in verdict) notices.push(verdict.notice)
    else return verdict
  }
  const refusal = refuseSwappableLinks(resolved, held)
  return refusal === null ? { rules: held, notices } : { refusal }
}

/** Nothing can stand below something that is not a directory. */
function belowFile(rule: AccessRule): AccessRule {
  return { ...rule, target: 'missing' }
}

function judge(rule: AccessRule, surroundings: Access): Verdict {
  const device = contains('/dev' as AbsolutePath, rule.path)
  if (device || contains('/proc' as AbsolutePath, rule.path)) {
    // Neither place shows the host's files, so what is missing there can neither be opened nor be denied.
    if (rule.target === 'missing') return judgeMissing(rule, 'none')
    return device ? judgeDevice(rule) : judgeProcessFile(rule)
  }
  if (rule.access === surroundings) return 'needless'
  if (rule.target === 'missing') return judgeMissing(rule, surroundings)
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

function judgeMissing(rule: AccessRule, surroundings: Access): Verdict {
  if (surroundings === 'write') {
    return refuse(
      rule,
      `${rule.path} does not exist, and a mount that keeps it from being created would leave an empty file on the host`,
      'create it before the launch, or name the directory that is to hold it',
    )
  }
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
