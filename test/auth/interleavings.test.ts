import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuthManager, memoryStorage } from '../../lib/auth/index.ts'
import { managedText } from './support.ts'

/**
 * Two managers on one store, and everything that can happen to them, in every order. The server rotates its tokens, answers
 * a token that it gave away before with 401, and answers only when the sequence says so.
 */
const steps = [
  'A refreshes',
  'B refreshes',
  'answer: tokens',
  'answer: refused for good',
  'answer: failed',
  'another program refreshes',
  'another program logs in elsewhere',
  'A stores a key',
  'A logs out',
  'B reloads',
] as const

type Step = (typeof steps)[number]

interface Pending {
  readonly token: string
  answer(status: number, body: object): void
}

class World {
  readonly storage = memoryStorage(managedText())
  readonly managers: readonly AuthManager[]
  readonly doomed: string[] = []
  readonly pending: Pending[] = []
  /** Tokens that the server refused for good. */
  readonly refused = new Set<string>()
  valid = 'rt-0'
  mostPending = 0
  /** Whether somebody of this process logged in or out since the request that is under way was sent. */
  changedSinceSent = false
  /** What must be in the store, when that is certain: set by whoever writes, cleared by a refresh of ours. */
  owner: 'refresh' | 'key' | 'other account' | 'nobody' = 'refresh'
  #number = 0

  constructor() {
    const options = {
      storage: this.storage,
      env: {},
      jitterMs: 0,
      now: () => Date.parse('2026-06-01T12:00:00Z'),
      fetch: ((url, init) => this.#fetch(String(url), JSON.parse(String(init?.body)))) as typeof fetch,
    }
    this.managers = [new AuthManager(options), new AuthManager(options)]
  }

  #fetch(url: string, body: { refresh_token?: string }): Promise<Response> {
    if (url.endsWith('/revoke')) return Promise.resolve(new Response('{}'))
    const token = body.refresh_token!
    // Sent again although the server has said that this one is finished: the storm that the poison prevents.
    if (this.refused.has(token)) this.doomed.push(token)
    this.changedSinceSent = false
    return new Promise(resolve => {
      this.pending.push({ token, answer: (status, answer) => resolve(Response.json(answer, { status })) })
      this.mostPending = Math.max(this.mostPending, this.pending.length)
    })
  }

  async perform(step: Step): Promise<void> {
    const [a, b] = this.managers as [AuthManager, AuthManager]
    switch (step) {
      case 'A refreshes':
        a.refreshToken().catch(() => undefined)
        break
      case 'B refreshes':
        b.refreshToken().catch(() => undefined)
        break
      case 'answer: tokens':
      case 'answer: refused for good':
      case 'answer: failed':
        this.#answer(step)
        break
      case 'another program refreshes':
        if (this.owner !== 'refresh') break
        this.valid = `foreign-${++this.#number}`
        await this.#write(managedText({ access: `at-${this.valid}`, refresh: this.valid }))
        break
      case 'another program logs in elsewhere':
        this.owner = 'other account'
        await this.#write(managedText({ account: 'acct_2', access: 'at-other', refresh: 'rt-other' }))
        break
      case 'A stores a key':
        this.owner = 'key'
        this.changedSinceSent = true
        await a.loginWithApiKey('sk-1')
        break
      case 'A logs out':
        this.owner = 'nobody'
        this.changedSinceSent = true
        await a.logout()
        break
      case 'B reloads':
        await b.reload()
        break
    }
    await settled()
    await this.check()
  }

  async #write(text: string): Promise<void> {
    await this.storage.update(() => text)
  }

  #answer(step: 'answer: tokens' | 'answer: refused for good' | 'answer: failed'): void {
    const request = this.pending.shift()
    if (request === undefined) return
    const known = request.token === this.valid || request.token === 'rt-other'
    if (step === 'answer: failed') {
      request.answer(500, {})
    } else if (step === 'answer: refused for good' || !known) {
      this.refused.add(request.token)
      request.answer(401, { error: { code: 'refresh_token_reused' } })
    } else {
      const next = `rt-${++this.#number}`
      if (request.token === this.valid) this.valid = next
      request.answer(200, { access_token: `at-${next}`, refresh_token: next })
    }
  }

  /** Everything that can be seen of this world, with tokens named by the order in which they appear. */
  async signature(): Promise<string> {
    const names = new Map<string, number>()
    const seen = [
      await this.storage.read(),
      this.valid,
      this.owner,
      this.pending.map(({ token }) => token),
      this.changedSinceSent,
      [...this.refused],
      this.managers.map(manager => [manager.snapshot()?.token(), manager.refreshFailure()]),
    ]
    return JSON.stringify(seen).replaceAll(/(?:at-|rt-|foreign-)[\w-]*\d+/g, token => {
      if (!names.has(token)) names.set(token, names.size)
      return `token ${names.get(token)}`
    })
  }

  async check(): Promise<void> {
    expect(this.doomed).toEqual([])
    expect(this.mostPending).toBeLessThanOrEqual(1)
    const text = await this.storage.read()
    const stored = text === undefined ? undefined : JSON.parse(text)
    if (this.owner === 'nobody') expect(stored).toBeUndefined()
    if (this.owner === 'key') expect(stored).toMatchObject({ OPENAI_API_KEY: 'sk-1' })
    if (this.owner === 'other account') expect(stored.tokens.account_id).toBe('acct_2')
    for (const manager of this.managers) await checkPoison(manager)
  }

  /** Everything that is under way ends well; then the store must hold the newest tokens. */
  async finish(): Promise<void> {
    for (let left = 8; left > 0 && this.pending.length > 0; left--) await this.perform('answer: tokens')
    expect(this.pending).toEqual([])
    if (this.owner !== 'refresh' || this.refused.has(this.valid)) return
    expect(JSON.parse((await this.storage.read())!).tokens.refresh_token).toBe(this.valid)
  }
}

async function checkPoison(manager: AuthManager): Promise<void> {
  if (manager.refreshFailure()?.kind !== 'permanent') return
  const status = await manager.getAuthStatus({ includeToken: true })
  expect(status).toEqual({ authMethod: 'chatgpt', authToken: null, requiresOpenaiAuth: true })
  await expect(manager.accessToken()).rejects.toMatchObject({ kind: 'permanent' })
}

/** Nothing in this world waits for a clock or a disk: two turns of the event loop and everything stands still. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise(resolve => setImmediate(resolve))
}

/** Performs a sequence in a new world and answers what can be seen at its end, before everything is brought to an end. */
async function run(sequence: readonly Step[]): Promise<string> {
  const world = new World()
  await Promise.all(world.managers.map(manager => manager.ready()))
  try {
    for (const step of sequence) await world.perform(step)
    const signature = await world.signature()
    await world.finish()
    return signature
  } catch (error) {
    throw new Error(`after: ${sequence.join('; ')}`, { cause: error })
  }
}

/** Every order of steps, as long as it leads somewhere new. Answers how many different worlds there are. */
async function explore(depth: number): Promise<number> {
  const known = new Set<string>()
  let frontier: (readonly Step[])[] = [[]]
  for (let length = 0; length < depth; length++) {
    const next: (readonly Step[])[] = []
    for (const sequence of frontier) {
      for (const step of steps) {
        const longer = [...sequence, step]
        const signature = await run(longer)
        if (known.has(signature)) continue
        known.add(signature)
        next.push(longer)
      }
    }
    frontier = next
  }
  return known.size
}

const depth = Number(process.env['CASTELLAN_AUTH_DEPTH'] ?? 8)
const runs = Number(process.env['CASTELLAN_AUTH_RUNS'] ?? 2_000)

describe('two managers on one store', () => {
  it(`keep their invariants in every order of ${depth} steps`, async () => {
    expect(await explore(depth)).toBeGreaterThan(100)
  }, 3_600_000)

  it('keep their invariants in random orders of up to 16 steps', async () => {
    const sequence = fc.array(fc.constantFrom(...steps), { minLength: 5, maxLength: 16 })
    await fc.assert(
      fc.asyncProperty(sequence, async given => void (await run(given))),
      { numRuns: runs },
    )
  }, 600_000)
})
