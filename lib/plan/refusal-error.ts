import { BackendError, type LibraryError, PolicyError } from '../errors.ts'
import type { Refusal } from './plan.ts'

/** A refusal as the error that a caller gets. */
export function refusalError({ kind, message, mechanism, hint, entry }: Refusal): LibraryError {
  const text = hint === undefined ? message : `${message}. Hint: ${hint}`
  if (kind === 'unavailable') {
    return new BackendError(text, { capability: mechanism, ...(hint === undefined ? {} : { hint }) })
  }
  return new PolicyError('ERR_POLICY_NOT_ENFORCEABLE', text, { mechanism, ...(entry === undefined ? {} : { entry }) })
}
