/** What a run was held to: each result names the policy by its digest. */
import { afterAll, expect, it } from 'vitest'
import { allEngines, eachEngine, sandboxWith } from '../enforcement/support/engines.ts'
import { workspaceWrite } from '../enforcement/support/policies.ts'
import { makeWorld } from '../enforcement/support/world.ts'

const world = makeWorld('run-digest')
world.make({ ws: null, other: null })
afterAll(() => world.remove())

eachEngine(allEngines, 'the result of a run', engine => {
  it('carries the digest of the policy that held it', {
    timeout: 120_000,
  }, async () => {
    const sandbox = await sandboxWith(engine, workspaceWrite(), world.at('ws'))
    const wider = await sandboxWith(engine, workspaceWrite([world.at('other')]), world.at('ws'))
    const results = [await sandbox.run('true'), sandbox.runSync('true'), await wider.run('true')]
    const digests = results.map(({ policyDigest }) => policyDigest)
    expect(digests).toEqual([sandbox.policy.digest, sandbox.policy.digest, wider.policy.digest])
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(digests[2]).not.toBe(digests[0])
  })
})
