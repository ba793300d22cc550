import { BackendError, type LibraryError, PolicyError } from '../errors.ts'
import type { Refusal } from './plan.ts'

/** A refusal as the error that a caller gets. */
export function refusalError({ kind, message, mechanism, hint, entry }: Refusal): LibraryError {
  const text = hint === undefined ? message : `${message}. Hint: ${hint}`
  if (kind === 'unavailable') {
    const code = mechanism === 'wsl' ? 'ERR_WSL1_UNSUPPORTED' : 'ERR_BACKEND_UNAVAILABLE'
    return new BackendError(text, { capability: mechanism, ...(hint === undefined ? {} : { hint }) }, code)
  }
  return new PolicyError('ERR_POLICY_NOT_ENFORCEABLE', text, { mechanism, ...(entry === undefined ? {} : { entry }) })
}
