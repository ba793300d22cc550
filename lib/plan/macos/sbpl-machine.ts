/**
 * Answers from the text of a profile and its parameters what Seatbelt would (spec/macos F). Some of Seatbelt's rules are not
 * documented, so there are several worlds; a profile that we make must give the same answer in all of them. That the real
 * compiler takes the text, and that the kernel agrees, is not proven here.
 *
 *   leaf first   the rules for the operation itself decide, then those for the group it is in, and so on
 *   flat         the last rule that matches decides, whether it names the operation or a group
 */
import { InternalError } from '../../errors.ts'
import type { Sbpl } from './sbpl.ts'
import { compileFilter, type FilterContext, type SbplFilter, type SbplSubject } from './sbpl-filters.ts'
import { isSbplOperation, operationChain, type SbplOperation } from './sbpl-operations.ts'
import { parseSbpl } from './sbpl-parser.ts'

export type SbplVerdict = 'allow' | 'deny'

export interface SbplWorld {
  readonly precedence: 'leaf-first' | 'flat'
  /** A test for existence is a kind of reading metadata. */
  readonly existenceIsMetadata: boolean
  /** A subpath matches its own path also where nothing stands there yet. */
  readonly subpathMatchesMissing: boolean
}

export const sbplWorlds: readonly SbplWorld[] = (['leaf-first', 'flat'] as const).flatMap(precedence =>
  [true, false].flatMap(existenceIsMetadata =>
    [true, false].map(subpathMatchesMissing => ({ precedence, existenceIsMetadata, subpathMatchesMissing })),
  ),
)

export interface SbplDecision {
  readonly verdict: SbplVerdict
  /** The place of the deciding rule among the profile's forms; -1 when none matches. */
  readonly rule: number
}

export interface SbplMachine {
  /** Every form of the profile, as it stands there without comments. */
  readonly forms: readonly Sbpl[]
  /** `exists`: whether something stands at the subject's path. Default: true. */
  decide(operation: SbplOperation, subject: SbplSubject, world: SbplWorld, exists?: boolean): SbplDecision
  /** The answer of all worlds; null where they differ. */
  verdict(operation: SbplOperation, subject: SbplSubject, exists?: boolean): SbplVerdict | null
}

interface MachineRule {
  readonly index: number
  readonly verdict: SbplVerdict
  readonly matches: SbplFilter
}

/**
 * Throws InternalError for text that our renderer does not write, a profile among it that does not say at its start what
 * happens to everything that it does not mention: what Seatbelt then does is documented nowhere.
 */
export function makeSbplMachine(text: string, parameters: Readonly<Record<string, string>>): SbplMachine {
  const forms = parseSbpl(text)
  const context: FilterContext = { parameters }
  const rules = new Map<SbplOperation, MachineRule[]>()
  let versions = 0
  for (const [index, form] of forms.entries()) {
    const [head, ...rest] = form.kind === 'list' ? form.items : []
    if (head?.kind !== 'symbol') throw new InternalError('a profile holds something that is not a form')
    if (head.name === 'version') {
      versions++
      continue
    }
    if (head.name !== 'allow' && head.name !== 'deny') {
      throw new InternalError(`a profile holds a form that is not known: ${head.name}`)
    }
    const rule = compileRule(head.name, rest, index, context)
    for (const operation of rule.operations) {
      const known = rules.get(operation)
      if (known === undefined) rules.set(operation, [rule])
      else known.push(rule)
    }
  }
  if (versions !== 1) throw new InternalError('a profile has one version')
  if (!deniesByDefault(forms)) throw new InternalError('a profile starts with its version and (deny default)')

  function decide(operation: SbplOperation, subject: SbplSubject, world: SbplWorld, exists = true): SbplDecision {
    const chain = operationChain(operation, world.existenceIsMetadata)
    const anchored = exists || world.subpathMatchesMissing
    let found: MachineRule | undefined
    for (const [step, name] of chain.entries()) {
      if (world.precedence === 'leaf-first' ? found !== undefined : name === 'default' && found !== undefined) break
      const candidate = lastMatch(rules.get(name) ?? [], subject, anchored)
      if (step === 0 || candidate === undefined || found === undefined) found = candidate ?? found
      else if (candidate.index > found.index) found = candidate
    }
    return found === undefined ? { verdict: 'deny', rule: -1 } : { verdict: found.verdict, rule: found.index }
  }

  return {
    forms,
    decide,
    verdict(operation, subject, exists = true) {
      const answers = new Set(sbplWorlds.map(world => decide(operation, subject, world, exists).verdict))
      return answers.size === 1 ? [...answers][0]! : null
    },
  }
}

/** The second form is `(deny default)`, and nothing takes that back. */
function deniesByDefault(forms: readonly Sbpl[]): boolean {
  const namesDefault = (form: Sbpl) =>
    form.kind === 'list' && form.items.some(item => item.kind === 'symbol' && item.name === 'default')
  const second = forms[1]
  const words = second?.kind === 'list' ? second.items.map(item => (item.kind === 'symbol' ? item.name : '')) : []
  return words.join(' ') === 'deny default' && forms.filter(namesDefault).length === 1
}

function compileRule(
  verdict: SbplVerdict,
  parts: readonly Sbpl[],
  index: number,
  context: FilterContext,
): MachineRule & { readonly operations: readonly SbplOperation[] } {
  const first = parts.findIndex(part => part.kind !== 'symbol')
  const operations = parts.slice(0, first < 0 ? parts.length : first).map(part => {
    const name = part.kind === 'symbol' ? part.name : ''
    if (!isSbplOperation(name)) throw new InternalError(`a profile holds an operation that is not known: ${name}`)
    return name
  })
  if (operations.length === 0) throw new InternalError('a rule of a profile names no operation')
  const filters = (first < 0 ? [] : parts.slice(first)).map(part => compileFilter(part, context))
  const matches: SbplFilter =
    filters.length === 0 ? () => true : (subject, anchored) => filters.some(filter => filter(subject, anchored))
  return { index, verdict, matches, operations }
}

function lastMatch(rules: readonly MachineRule[], subject: SbplSubject, anchored: boolean): MachineRule | undefined {
  for (let at = rules.length - 1; at >= 0; at--) if (rules[at]!.matches(subject, anchored)) return rules[at]
  return undefined
}
