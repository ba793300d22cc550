/**
 * The keyring of this system through `@napi-rs/keyring`, an optional package that the host installs when it wants this.
 *
 * Loaded at the first use only. Without the package every call fails with `keyring_missing`, and the stores above treat
 * that as a keyring that does not work.
 */
import { lazily, z } from '../../schema.ts'
import { AuthError } from '../errors.ts'
import type { KeyringBackend } from './keyring.ts'

interface Entry {
  getPassword(): Promise<string | null | undefined>
  setPassword(value: string): Promise<void>
  deletePassword(): Promise<boolean>
}

const moduleSchema = lazily(() =>
  z.object({
    AsyncEntry: z.custom<new (service: string, account: string) => Entry>(value => typeof value === 'function'),
  }),
)

// In a variable, so that neither the compiler nor a bundler looks for a package that need not be there.
const packageName = '@napi-rs/keyring'

async function entry(service: string, account: string): Promise<Entry> {
  const loaded = moduleSchema().safeParse(await import(packageName).catch(() => undefined))
  if (!loaded.success) throw new AuthError('keyring_missing')
  return new loaded.data.AsyncEntry(service, account)
}

export const systemKeyring: KeyringBackend = {
  get: async (service, account) => (await (await entry(service, account)).getPassword()) ?? undefined,
  set: async (service, account, value) => (await entry(service, account)).setPassword(value),
  delete: async (service, account) => (await entry(service, account)).deletePassword(),
}
