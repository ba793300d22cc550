/** A resolved policy as a tree of the places whose access differs from what is around them. */
import type { Access, ResolvedPolicy } from '../index.ts'
import { type Colour, printable } from './terminal.ts'

type Rule = ResolvedPolicy['rules'][number]
type Paint = (colour: Colour, text: string) => string

interface Node {
  readonly path: string
  readonly rule: Rule | undefined
  readonly children: Node[]
}

const colours: Readonly<Record<Access, Colour>> = { write: 'green', read: 'yellow', none: 'red' }

/** The patterns that deny: what one matches now is in the tree, what it would match later is not. */
export function deniedPatterns({ fileSystem }: ResolvedPolicy): string[] {
  return fileSystem.entries.flatMap(({ path, access }, index) =>
    path.type === 'glob_pattern' && access === 'none' ? [`entry ${index}: ${printable(path.pattern)}`] : [],
  )
}

/** The lines: name, access, and why. */
export function policyTree(resolved: ResolvedPolicy, paint: Paint): string[] {
  const root = treeOf(resolved.rules)
  const rows: { readonly text: string; readonly rule: Rule | undefined }[] = [{ text: '/', rule: root.rule }]
  const walk = (node: Node, indent: string) => {
    for (const [index, child] of node.children.entries()) {
      const last = index === node.children.length - 1
      const name = printable(child.path.slice(node.path === '/' ? 1 : node.path.length + 1))
      rows.push({ text: `${indent}${last ? '└── ' : '├── '}${name}`, rule: child.rule })
      walk(child, `${indent}${last ? '    ' : '│   '}`)
    }
  }
  walk(root, '')
  const width = rows.reduce((widest, { text }) => Math.max(widest, text.length), 0)
  return rows.map(({ text, rule }) => {
    const access: Access = rule?.access ?? 'none'
    const why = rule === undefined ? 'nothing is said of it' : reason(rule)
    return `${text.padEnd(width)}  ${paint(colours[access], access.padEnd(5))}  ${paint('dim', printable(why))}`
  })
}

/** Rules come sorted by depth, so that a rule's parent is there before it. */
function treeOf(rules: readonly Rule[]): Node {
  const root: Node = { path: '/', rule: rules.find(({ path }) => path === '/'), children: [] }
  const known = new Map<string, Node>()
  for (const rule of rules) {
    if (rule.path === '/') continue
    const node = { path: rule.path, rule, children: [] }
    nearestAround(rule.path, known, root).children.push(node)
    known.set(rule.path, node)
  }
  sort(root)
  return root
}

function nearestAround(path: string, known: ReadonlyMap<string, Node>, root: Node): Node {
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
    const node = known.get(path.slice(0, slash))
    if (node !== undefined) return node
  }
  return root
}

function sort(node: Node): void {
  node.children.sort((a, b) => (a.path < b.path ? -1 : 1))
  for (const child of node.children) sort(child)
}

function reason({ origin, target }: Rule): string {
  const missing = target === 'missing' ? ', missing' : ''
  switch (origin.kind) {
    case 'entry':
      return `entry ${origin.index}: ${origin.spelled}${missing}`
    case 'protection':
      return `protection of ${origin.name}${missing}`
    case 'git':
      return `git ${origin.access}`
    case 'platform-default':
      return `default of the platform${missing}`
  }
}
