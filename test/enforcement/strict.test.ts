/** The preset `strict`: what it closes is closed for a real command, and what it opens is open. */
import { afterAll, expect, it } from 'vitest'

import { policies } from '../../lib/index.ts'
import { eachEngine, mountEngines, sandboxWith } from './support/engines.ts'
import { makeWorld } from './support/world.ts'

const world = makeWorld('strict')
world.make({
  'work/.git/config': '',
  'work/readme': 'open',
  'work/.env': 'SECRET',
  'work/.env.example': 'open',
  'work/app/.env.production': 'SECRET',
  'work/app/.ssh/known_hosts': 'SECRET',
  'work/app/key.pem': 'SECRET',
  'work/id_ed25519': 'SECRET',
  'work/id_ed25519.pub': 'open',
  'beside/file': 'SECRET',
  'more/readme': 'open',
  'more/.aws/credentials': 'SECRET',
})
afterAll(() => world.remove())

eachEngine(mountEngines, 'the preset strict', engine => {
  it('opens the workspace and the platform, and neither secrets nor anything else', { timeout: 60_000 }, async () => {
    const policy = policies.strict({ readableRoots: [world.at('more')] })
    await using box = await sandboxWith(engine, policy, world.at('work'))
    const read = async (...names: string[]) => (await box.run('cat', [world.at(...names)], { timeout: 60_000 })).stdout
    const open = ['work/readme', 'work/.env.example', 'work/id_ed25519.pub', 'more/readme']
    const closed = [
      ...['work/.env', 'work/app/.env.production', 'work/app/.ssh/known_hosts', 'work/app/key.pem', 'work/id_ed25519'],
      ...['beside/file', 'more/.aws/credentials'],
    ]
    for (const name of open) expect({ name, text: await read(name) }).toEqual({ name, text: 'open' })
    for (const name of closed) expect({ name, text: await read(name) }).toEqual({ name, text: '' })
    const script =
      'echo x > new && ! echo x > ../more/new && ! echo x > .git/config && ! echo x > /etc/new && cat /etc/passwd'
    const { exitCode, stdout } = await box.run('sh', ['-c', script], { timeout: 60_000 })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('root')
    expect(box.plan.limits.map(({ code }) => code)).toContain('glob-snapshot')
  })
})
