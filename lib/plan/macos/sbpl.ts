/**
 * Seatbelt's profile language as data: constructors for what we use of it, and a renderer. Text of a user never becomes
 * text of a profile: paths are parameters, read with `(param "KEY")` and handed over beside the profile (spec/macos A.3).
 */
import { InternalError, unreachable } from '../../errors.ts'
import type { SbplOperation } from './sbpl-operations.ts'

export type Sbpl =
  | { readonly kind: 'symbol'; readonly name: string }
  | { readonly kind: 'string'; readonly text: string }
  /** `#"…"`: what stands in it reaches the regex engine as it is. */
  | { readonly kind: 'raw'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'list'; readonly items: readonly Sbpl[] }

export interface SbplRule {
  readonly action: 'allow' | 'deny'
  readonly operations: readonly SbplOperation[]
  /** Alternatives; none: the rule is about everything. */
  readonly filters: readonly Sbpl[]
}

/** A group of rules under a heading that says what they are for. */
export interface SbplSection {
  readonly title: string
  readonly rules: readonly SbplRule[]
}

export function allow(operations: readonly SbplOperation[], filters: readonly Sbpl[] = []): SbplRule {
  return { action: 'allow', operations, filters }
}

export function deny(operations: readonly SbplOperation[], filters: readonly Sbpl[] = []): SbplRule {
  return { action: 'deny', operations, filters }
}

export function symbol(name: string): Sbpl {
  // Never text of a user; a closed alphabet all the same, since a parenthesis here would be a rule.
  if (!/^[A-Za-z][A-Za-z0-9_*?-]*$/.test(name)) throw new InternalError(`not a symbol of a profile: ${name}`)
  return { kind: 'symbol', name }
}

export function string(text: string): Sbpl {
  if (text.includes('\0')) throw new InternalError('a profile cannot hold a NUL character')
  return { kind: 'string', text }
}

/** A filter or function: `(name argument…)`. Plain text arguments become string literals. */
export function call(name: string, ...args: readonly (Sbpl | string)[]): Sbpl {
  return {
    kind: 'list',
    items: [symbol(name), ...args.map(arg => (typeof arg === 'string' ? string(arg) : arg))],
  }
}

export const param = (key: string): Sbpl => call('param', key)
export const literal = (path: Sbpl | string): Sbpl => call('literal', path)
export const subpath = (path: Sbpl | string): Sbpl => call('subpath', path)
export const pathAncestors = (path: Sbpl | string): Sbpl => call('path-ancestors', path)
export const requireAll = (...filters: readonly Sbpl[]): Sbpl => call('require-all', ...filters)
export const globalName = (name: string): Sbpl => call('global-name', name)
export const localName = (name: string): Sbpl => call('local-name', name)
export const vnodeType = (type: string): Sbpl => call('vnode-type', symbol(type))
export const number = (value: number): Sbpl => ({ kind: 'number', value })

/** A pattern. A newline or a NUL would be data in an unproven place, so neither may stand in one. */
export function rawPattern(pattern: string): Sbpl {
  if (/[\0\n]/.test(pattern)) throw new InternalError('a pattern of a profile cannot hold a NUL or a line end')
  return { kind: 'raw', text: pattern }
}

export const regex = (pattern: string): Sbpl => call('regex', rawPattern(pattern))

/** The path itself and everything below it; `subpath` alone was seen to let the creation of the path itself through. */
export function tree(path: Sbpl | string): readonly Sbpl[] {
  return [literal(path), subpath(path)]
}

export function renderExpression(expression: Sbpl): string {
  switch (expression.kind) {
    case 'symbol':
      return expression.name
    case 'string':
      return `"${expression.text.replaceAll(/[\\"]/g, found => `\\${found}`)}"`
    case 'raw':
      return `#"${expression.text.replaceAll('"', '\\"')}"`
    case 'number':
      return String(expression.value)
    case 'list':
      return `(${expression.items.map(renderExpression).join(' ')})`
    default:
      return unreachable(expression)
  }
}

const widest = 118

export function renderRule({ action, operations, filters }: SbplRule): string {
  const head = `(${action} ${operations.join(' ')}`
  const rendered = filters.map(renderExpression)
  const line = [head, ...rendered].join(' ')
  if (line.length < widest) return `${line})`
  return `${[head, ...rendered.map(filter => `  ${filter}`)].join('\n')})`
}

/** The text of a profile that denies what no rule allows. */
export function renderProfile(sections: readonly SbplSection[]): string {
  const parts = sections
    .filter(({ rules }) => rules.length > 0)
    .map(({ title, rules }) => [`; ${title}`, ...rules.map(renderRule)].join('\n'))
  return `${['(version 1)\n(deny default)', ...parts].join('\n\n')}\n`
}
