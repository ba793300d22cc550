/**
 * The engines with mounts carry out one plan in ways of their own: random policies are laid out on the disk, and each engine
 * is asked the same about every place. The answers must be the same, to the error.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { doctor, LibraryError } from '../../lib/index.ts'
import type { ResolvedPolicy } from '../../lib/policy/types.ts'
import { ruleBushes, ruleNests } from '../agreement/rule-trees.ts'
import { type EngineName, mountEngines, sandboxWith } from './support/engines.ts'
import { entry, special, split } from './support/policies.ts'
import { ask, compileProbe, compilerMissing } from './support/probe.ts'
import { makeWorld, snapshot, type World } from './support/world.ts'

const usable = new Set((await doctor()).engines.filter(report => report.usable).map(({ engine }) => engine))
const engines = mountEngines.filter(name => usable.has(name === 'shared' ? 'namespace' : name))
const missing =
  compilerMissing ?? (engines.length < 3 ? `needs namespace and bwrap, found ${engines.join() || 'none'}` : null)

describe.skipIf(missing !== null)(`the engines with mounts${missing === null ? '' : ` (${missing})`}`, () => {
  let world: World
  let probe: string
  beforeAll(() => {
    world = makeWorld('differential')
    probe = compileProbe(world.base)
  })
  afterAll(() => world.remove())

  /** The rules below a folder of the world, and what they speak of: files and directories that all hold something. */
  function layOut(rules: ResolvedPolicy['rules']): string[] {
    rmSync(world.at('tree'), { recursive: true, force: true })
    mkdirSync(world.at('tree'))
    const places = rules.filter(rule => rule.path !== '/').map(rule => ({ ...rule, path: world.at('tree', rule.path) }))
    for (const { path: place, target } of places) {
      mkdirSync(target === 'file' ? path.dirname(place) : path.join(place, 'inner'), { recursive: true })
      writeFileSync(target === 'file' ? place : path.join(place, 'file'), 'text')
    }
    return places.map(({ path: place }) => place)
  }

  function policyOf({ rules }: ResolvedPolicy) {
    const root = rules.find(rule => rule.path === '/')
    // The disk itself stays read-only: this test writes nowhere else.
    const start = root === undefined || root.access === 'none' ? [entry(probe, 'read')] : [special('root', 'read')]
    const below = rules.filter(rule => rule !== root)
    return split(...start, ...below.map(rule => entry(world.at('tree', rule.path), rule.access)))
  }

  const looks = (place: string) =>
    [place, `${place}/inner`, `${place}/file`].flatMap(at => [`read|${at}`, `list|${at}`])
  const changes = (place: string) => [
    `append|${place}`,
    `append|${place}/file`,
    `chmod|${place}|711`,
    `create|${place}/new`,
    `mkdir|${place}/.git`,
    `rename|${place}/file|${place}/renamed`,
    `rename|${place}|${place}-moved`,
    `rmdir|${place}/inner`,
    `unlink|${place}`,
  ]

  /** Names, modes and contents; numbers and times are another's each time. */
  const leftIn = (folder: string) =>
    Object.entries(snapshot(folder)).map(([name, text]) => `${name}: ${text.split(' ')[0]} ${text.split(' ')[3]}`)

  async function answersOf(engine: EngineName, resolved: ResolvedPolicy) {
    const places = layOut(resolved.rules)
    const operations = [
      ...places.flatMap(looks),
      ...places.flatMap(changes),
      'read|/etc/passwd',
      `create|${world.at('new')}`,
    ]
    try {
      const sandbox = await sandboxWith(engine, policyOf(resolved), world.at('tree'))
      const answers = await ask(sandbox, probe, operations, { cwd: '/' })
      await sandbox[Symbol.asyncDispose]()
      return {
        answers: operations.map((operation, index) => `${operation}: ${answers[index]}`),
        left: leftIn(world.at('tree')),
      }
    } catch (error) {
      if (error instanceof LibraryError) return { refused: error.code }
      throw error
    }
  }

  it('give the same answers about every place of random policies, and leave the same behind', async () => {
    let asked = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(ruleBushes, ruleNests), async resolved => {
        const [first, ...others] = engines
        const wanted = await answersOf(first!, resolved)
        asked += wanted.answers?.length ?? 0
        for (const engine of others)
          expect({ engine, ...(await answersOf(engine, resolved)) }).toEqual({ engine, ...wanted })
      }),
      { numRuns: 12 },
    )
    expect(asked).toBeGreaterThan(100)
  })
})
