import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  allow,
  call,
  deny,
  literal,
  param,
  rawPattern,
  renderExpression,
  renderProfile,
  string,
  symbol,
} from '../../../lib/plan/macos/sbpl.ts'
import { makeSbplMachine, sbplWorlds } from '../../../lib/plan/macos/sbpl-machine.ts'
import { operationChain, sbplOperations } from '../../../lib/plan/macos/sbpl-operations.ts'
import { parseSbpl } from '../../../lib/plan/macos/sbpl-parser.ts'
import { profileOf } from './questions.ts'

const text = (...rules: Parameters<typeof renderProfile>[0][number]['rules']) =>
  renderProfile([{ title: 'rules', rules }])

describe('the text of a profile', () => {
  it('reads back what was written, whatever a string holds', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter(given => !given.includes('\0')),
        given => {
          expect(parseSbpl(renderExpression(string(given)))).toEqual([{ kind: 'string', text: given }])
        },
      ),
    )
  })

  it('holds no path of the user', () => {
    const { text: profile, parameters } = profileOf({
      policy: { type: 'workspace-write', writable_roots: ['/Users/u/") (allow default) ("'] },
    })
    expect(profile).not.toContain('/Users/u')
    expect(profile).not.toContain('allow default')
    expect(Object.values(parameters)).toContain('/Users/u/") (allow default) ("')
  })

  it('refuses words and patterns that could be something else', () => {
    expect(() => symbol('x) (allow default')).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }))
    expect(() => rawPattern('^/a\n')).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }))
    expect(() => string('a\0b')).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }))
  })
})

describe('the machine', () => {
  it('throws on what the renderer never writes', () => {
    for (const rule of [
      '(version 1)',
      '(allow file-reed*)',
      '(allow file-read* (subpth "/"))',
      '(allow file-read* (subpath (param "MISSING")))',
      '(import "system.sb")',
      '(allow file-read* (subpath "/)',
      '(allow file-read*',
      ')',
      '(allow)',
      '(allow network-outbound (remote ip "example.org:80"))',
      '(allow file-read* (regex #"(?=x)"))',
    ]) {
      const profile = `(version 1) (deny default) ${rule}`
      expect(() => makeSbplMachine(profile, {}), profile).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }))
    }
  })

  it.each([
    '(version 1)',
    '(version 1) (allow file-read*)',
    '(version 1) (allow default)',
    '(version 1) (allow file-read*) (deny default)',
    '(version 1) (deny default (literal "/x"))',
    '(version 1) (deny default) (allow default)',
    '(version 1) (deny default) (allow file-read* default)',
    '(deny default) (version 1)',
    '(deny default)',
  ])('throws on %s: what it does not mention may be open', profile => {
    expect(() => makeSbplMachine('(version 1) (deny default) (allow file-read*)', {})).not.toThrow()
    expect(() => makeSbplMachine(profile, {})).toThrow(expect.objectContaining({ code: 'ERR_INTERNAL' }))
  })

  it('knows that worlds differ where a leaf and its group speak', () => {
    const { verdict, decide } = makeSbplMachine(text(deny(['file-write-unlink']), allow(['file-write*'])), {})
    const answers = sbplWorlds.map(world => decide('file-write-unlink', { path: '/x' }, world).verdict)
    expect(new Set(answers)).toEqual(new Set(['allow', 'deny']))
    expect(verdict('file-write-unlink', { path: '/x' })).toBeNull()
    expect(verdict('file-write-data', { path: '/x' })).toBe('allow')
  })

  it('knows that worlds differ at the missing anchor of a subpath', () => {
    const { verdict } = makeSbplMachine(text(allow(['file-write*'], [call('subpath', '/a')])), {})
    expect(verdict('file-write-create', { path: '/a' }, false)).toBeNull()
    expect(verdict('file-write-create', { path: '/a/b' }, false)).toBe('allow')
    expect(verdict('file-write-create', { path: '/ab' }, false)).toBe('deny')
  })

  it('takes the last rule that matches and names it', () => {
    const machine = makeSbplMachine(
      text(allow(['file-read*'], [literal(param('A'))]), deny(['file-read*'], [literal('/x')])),
      {
        A: '/x',
      },
    )
    expect(machine.decide('file-read-data', { path: '/x' }, sbplWorlds[0]!)).toEqual({ verdict: 'deny', rule: 3 })
    expect(machine.decide('file-read-data', { path: '/y' }, sbplWorlds[0]!)).toEqual({ verdict: 'deny', rule: 1 })
  })

  it('finds the way from every operation to the default', () => {
    for (const operation of sbplOperations) {
      for (const existence of [true, false]) expect(operationChain(operation, existence).at(-1)).toBe('default')
    }
  })
})
