/**
 * Asks the authorization server whom a personal access token belongs to (auth.md §5).
 *
 * Such a token cannot be read here, so without an answer there are no credentials.
 */
import { lazily, z } from '../schema.ts'
import { planTypeOf } from './plan-type.ts'
import { send } from './refresh/http.ts'
import { headersFor, type Transport } from './refresh/request.ts'
import type { AccountDetails } from './snapshot.ts'

const schema = lazily(() =>
  z.object({
    email: z.string().nullish(),
    chatgpt_account_id: z.string().nullish(),
    chatgpt_plan_type: z.string().nullish(),
    chatgpt_account_is_fedramp: z.boolean().nullish(),
  }),
)

export async function whoami(transport: Transport, url: string, token: string): Promise<AccountDetails | undefined> {
  const { fetch, provider, timeoutMs } = transport
  const headers = { ...headersFor(provider, 'application/json'), authorization: `Bearer ${token}` }
  try {
    const answer = await send(fetch, { url, method: 'GET', headers, timeoutMs })
    if (answer.status < 200 || answer.status >= 300 || answer.body === undefined) return undefined
    const details = schema().parse(JSON.parse(answer.body))
    return {
      email: details.email ?? undefined,
      accountId: details.chatgpt_account_id ?? undefined,
      planType: planTypeOf(details.chatgpt_plan_type ?? undefined),
      fedramp: details.chatgpt_account_is_fedramp ?? false,
    }
  } catch {
    return undefined
  }
}
