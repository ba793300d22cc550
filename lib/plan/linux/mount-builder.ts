/**
 * Turns settled rules into mount operations: one walk through the tree, every place after the place around it, every mask
 * sealed after all that is re-opened in it. Nothing is made on the host: directories and files are only made in an area
 * that the plan itself put there. Source: spec/linux 5.2-5.5 and hole 12.
 */
import { type AbsolutePath, ancestorsOf, contains, parentOf, ROOT } from '../../policy/path.ts'
import type { Access } from '../../policy/types.ts'
import type { MountOperation } from './mount.ts'
import { type Link, platformLink } from './mount-builder-links.ts'
import type { HeldRule } from './mount-builder-rules.ts'

/** An area without content of the host: the inside of a mask, or the empty root. */
interface Blank {
  readonly base: AbsolutePath
  /** The directories and links that were made in it. */
  readonly made: Set<AbsolutePath>
  /** The index of the operation that made the area. */
  readonly operation: number
}

/** A held rule whose subtree is being walked. */
interface Place {
  readonly path: AbsolutePath
  readonly access: Access
  readonly blank: Blank | null
}

interface Draft {
  readonly operations: MountOperation[]
  /** The places around the current rule, outermost first; never empty. */
  readonly places: Place[]
  /** Directories between a writable place and something closed below it; see `pinWay`. */
  readonly pinned: Set<AbsolutePath>
}

/** `rules` in tree order, as `settleRules` gives them. `links` shallow first. */
export function buildMounts(rules: readonly HeldRule[], links: readonly Link[]): readonly MountOperation[] {
  const base = rules[0]?.path === ROOT ? rules[0].access : 'none'
  const draft = startDraft(base)
  for (const rule of rules) {
    if (rule.path === ROOT) continue
    while (!contains(draft.places.at(-1)!.path, rule.path)) sealPlace(draft, draft.places.pop()!)
    placeRule(draft, rule)
  }
  while (draft.places.length > 1) sealPlace(draft, draft.places.pop()!)
  finishRoot(draft, rules, links)
  return draft.operations
}

function startDraft(access: Access): Draft {
  const root: Place = {
    path: ROOT,
    access,
    blank: access === 'none' ? { base: ROOT, made: new Set([ROOT]), operation: 0 } : null,
  }
  const first: MountOperation = access === 'none' ? { operation: 'empty-root' } : { operation: 'host-tree', access }
  return { operations: [first], places: [root], pinned: new Set() }
}

function placeRule(draft: Draft, rule: HeldRule): void {
  const around = draft.places.at(-1)!
  if (rule.target === 'symlink') makeLink(draft, around.blank!, { path: rule.path, to: platformLink(rule.path)! })
  else if (rule.target === 'missing') maskMissing(draft, rule, around)
  else if (rule.access === 'none') maskRule(draft, rule, around)
  else bindRule(draft, rule, rule.access, around)
}

function maskRule(draft: Draft, rule: HeldRule, around: Place): void {
  if (around.access === 'write') pinWay(draft, around, rule)
  const { path: target, origin } = rule
  const operation = draft.operations.length
  if (rule.target === 'directory') {
    draft.operations.push({ operation: 'mask-directory', target, passable: false, origin })
    draft.places.push({ path: target, access: 'none', blank: { base: target, made: new Set([target]), operation } })
  } else {
    draft.operations.push({ operation: 'mask-file', target, origin })
  }
}

/** Only in a writable place: elsewhere nothing can be created anyway. Nothing that is below it has an operation. */
function maskMissing(draft: Draft, rule: HeldRule, around: Place): void {
  pinWay(draft, around, rule)
  draft.operations.push({ operation: 'mask-missing', target: rule.path, origin: rule.origin })
}

function bindRule(draft: Draft, rule: HeldRule, access: 'read' | 'write', around: Place): void {
  const type = rule.target === 'directory' ? 'directory' : 'file'
  if (around.blank !== null) {
    makeWay(draft, around.blank, type === 'directory' ? rule.path : parentOf(rule.path))
    if (type === 'file') draft.operations.push({ operation: 'make-file', target: rule.path })
  } else if (around.access === 'write') {
    pinWay(draft, around, rule)
  }
  draft.operations.push({ operation: 'bind', source: rule.path, target: rule.path, access, type, origin: rule.origin })
  draft.places.push({ path: rule.path, access, blank: null })
}

/** Makes every missing level from the area's base down to `path`. */
function makeWay(draft: Draft, blank: Blank, path: AbsolutePath): void {
  const area = draft.operations[blank.operation]!
  if (area.operation === 'mask-directory') draft.operations[blank.operation] = { ...area, passable: true }
  for (const target of ancestorsOf(path)) {
    if (!contains(blank.base, target) || blank.made.has(target)) continue
    blank.made.add(target)
    draft.operations.push({ operation: 'make-directory', target })
  }
}

function makeLink(draft: Draft, blank: Blank, link: Link): void {
  makeWay(draft, blank, parentOf(link.path))
  blank.made.add(link.path)
  draft.operations.push({ operation: 'make-symlink', target: link.path, to: link.to })
}

/**
 * Binds the directories between a writable place and something closed in it onto themselves, still writable. A mount point
 * cannot be renamed (EBUSY), so a command cannot move the parent of a closed place away and leave another in its stead,
 * which the next launch would protect instead (spec/linux hole 12). The price: rename(2) across these directories gives
 * EXDEV, as between file systems.
 */
function pinWay(draft: Draft, around: Place, rule: HeldRule): void {
  for (const path of ancestorsOf(parentOf(rule.path))) {
    if (path === around.path || !contains(around.path, path) || draft.pinned.has(path)) continue
    draft.pinned.add(path)
    draft.operations.push({
      operation: 'bind',
      source: path,
      target: path,
      access: 'write',
      type: 'directory',
      origin: rule.origin,
    })
  }
}

function sealPlace(draft: Draft, place: Place): void {
  if (place.blank !== null) draft.operations.push({ operation: 'seal', target: place.path })
}

function finishRoot(draft: Draft, rules: readonly HeldRule[], links: readonly Link[]): void {
  const root = draft.places[0]!
  if (root.blank !== null) {
    makeAliases(draft, root.blank, rules, links)
    // Mount points for the last two operations, which come after the seal so that nothing can cover them.
    makeWay(draft, root.blank, '/dev' as AbsolutePath)
    makeWay(draft, root.blank, '/proc' as AbsolutePath)
    sealPlace(draft, root)
  }
  draft.operations.push({ operation: 'devices' }, { operation: 'process-files' })
}

/** Only where the empty root has nothing: a name inside a place of the host is there already, one inside a mask is denied. */
function makeAliases(draft: Draft, blank: Blank, rules: readonly HeldRule[], links: readonly Link[]): void {
  const reserved: readonly AbsolutePath[] = ['/dev' as AbsolutePath, '/proc' as AbsolutePath]
  const made = new Set<AbsolutePath>()
  for (const link of links) {
    const covered = ancestorsOf(link.path).some(
      path => made.has(path) || reserved.includes(path) || rules.some(rule => rule.path === path),
    )
    if (covered || blank.made.has(link.path)) continue
    made.add(link.path)
    makeLink(draft, blank, link)
  }
}
