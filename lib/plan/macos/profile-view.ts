/** The model of a macOS plan: which access its profile gives to a path, and which rule of the profile says so. */
import type { AbsolutePath } from '../../policy/path.ts'
import type { MacosPlan, ModelAccess } from '../plan.ts'
import { renderExpression, type Sbpl } from './sbpl.ts'
import { makeSbplMachine, type SbplMachine, sbplWorlds } from './sbpl-machine.ts'
import type { SbplOperation } from './sbpl-operations.ts'

export interface ProfileAnswer {
  readonly access: ModelAccess
  /** The deciding rule with what its parameters stand for; null where nothing is confined. */
  readonly line: string | null
}

// A plan is frozen, so its profile is read once.
const machines = new WeakMap<MacosPlan, SbplMachine>()

function machineOf(plan: MacosPlan, text: string, parameters: Readonly<Record<string, string>>): SbplMachine {
  const known = machines.get(plan) ?? makeSbplMachine(text, parameters)
  machines.set(plan, known)
  return known
}

/** `path` must be canonical. Where the worlds of the model differed, which none of our profiles may, the larger access counts. */
export function profileAnswer(plan: MacosPlan, path: AbsolutePath): ProfileAnswer {
  if (plan.profile === null) return { access: 'write', line: null }
  const { text, parameters } = plan.profile
  const machine = machineOf(plan, text, parameters)
  const ask = (operation: SbplOperation) =>
    sbplWorlds.map(world => machine.decide(operation, { path, vnodeType: 'REGULAR-FILE' }, world))
  const allowing = (operation: SbplOperation) => ask(operation).find(({ verdict }) => verdict === 'allow')
  const [reads, writes] = [allowing('file-read-data'), allowing('file-write-data')]
  const access = reads === undefined ? 'none' : writes === undefined ? 'read' : 'write'
  // What narrows is told before what opens.
  const narrowing = ask(access === 'none' ? 'file-read-data' : 'file-write-data')[0]!.rule
  const isSpecific = narrowing > 1
  const rule = access === 'write' ? writes!.rule : isSpecific ? narrowing : (reads?.rule ?? narrowing)
  return { access, line: rule < 0 ? null : lineOf(machine.forms[rule]!, parameters) }
}

/** The rule alone says nothing to a person whose paths are parameters. */
function lineOf(form: Sbpl, parameters: Readonly<Record<string, string>>): string {
  const text = renderExpression(form)
  const keys = [...text.matchAll(/\(param "([A-Z0-9_]+)"\)/g)].map(([, key = '']) => key)
  const values = [...new Set(keys)].map(key => `${key}=${JSON.stringify(parameters[key])}`)
  return values.length === 0 ? text : `${text} with ${values.join(', ')}`
}
