/** The text of profiles, to be reviewed when it changes (`test/golden/seatbelt-reviews.md`). What it means is asked elsewhere. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { baseSection } from '../../../lib/plan/macos/base-profile.ts'
import { type ProfileWords, printed, profileOf } from './questions.ts'

const golden = (name: string) => `../../golden/seatbelt-${name}.txt`

const whole: readonly (readonly [string, ProfileWords])[] = [
  ['read-only', { policy: 'read-only' }],
  ['workspace-write', { policy: 'workspace-write' }],
  [
    'none-write-none-read',
    {
      policy: {
        kind: 'restricted',
        entries: [
          { path: { type: 'special', value: { kind: 'minimal' } }, access: 'read' },
          { path: { type: 'path', path: '/Users/u/repo' }, access: 'write' },
          { path: { type: 'path', path: '/Users/u/repo/a' }, access: 'none' },
          { path: { type: 'path', path: '/Users/u/repo/a/b' }, access: 'read' },
        ],
      },
      patterns: ['/Users/u/repo/**/*.{key,pem}'],
    },
  ],
  [
    'proxy-and-sockets',
    {
      policy: 'read-only',
      network: { proxyPorts: [8118], localBinding: true, unixSockets: ['/private/tmp/agent.sock'] },
    },
  ],
  ['full-network', { policy: { type: 'read-only', network_access: true } }],
]

/** The rules of a profile, each with its lines, and the headings between them. */
const rulesOf = (text: string) => text.split(/\n+(?=[(;])/).map(rule => rule.trim())

/** What a grant adds: the profile without the rules that every profile has. */
function addedBy(grants: unknown): string {
  const common = new Set(rulesOf(profileOf({ policy: 'read-only', grants: {} }).text))
  const { text, parameters } = profileOf({ policy: 'read-only', grants })
  return printed({
    text: rulesOf(text)
      .filter(rule => !common.has(rule))
      .join('\n'),
    parameters,
  })
}

const grants: readonly (readonly [string, unknown])[] = [
  ['none-given', null],
  ['empty', {}],
  ['preferences-readonly', { macos_preferences: 'readonly' }],
  ['preferences-readwrite', { macos_preferences: 'readwrite' }],
  ['automation-all', { macos_automation: true }],
  ['automation-bundles', { macos_automation: ['com.apple.Notes', 'com.apple.mail'] }],
  ['launch-services', { macos_launch_services: true }],
  ['accessibility', { macos_accessibility: true }],
  ['calendar', { macos_calendar: true }],
  ['reminders', { macos_reminders: true }],
  ['contacts-read-only', { macos_contacts: 'read_only' }],
  ['contacts-read-write', { macos_contacts: 'read_write' }],
  ['trustd', { macos_trustd: true }],
  ['chromium-mach', { macos_chromium_mach: true }],
  ['gpu', { macos_gpu: true }],
]

describe('the text of a profile', () => {
  it.each(whole)('is as reviewed: %s', async (name, words) => {
    await expect(printed(profileOf(words))).toMatchFileSnapshot(golden(name))
  })

  it.each(grants)('tells what a grant adds: %s', async (name, given) => {
    await expect(addedBy(given)).toMatchFileSnapshot(golden(`grant-${name}`))
  })

  it('was read by somebody, who wrote down what was checked', () => {
    const folder = new URL('../../golden/', import.meta.url)
    const reviews = readFileSync(new URL('seatbelt-reviews.md', folder), 'utf8')
    const reviewed = [...reviews.matchAll(/^\| (\S+) \| ([0-9a-f]{16}) \| .{20,} \|$/gm)].map(([, name, hash]) => [
      name,
      hash,
    ])
    const there = readdirSync(folder)
      .map(name => /^seatbelt-(.*)\.txt$/.exec(name)?.[1])
      .filter(name => name !== undefined)
      .map(name => {
        const text = readFileSync(new URL(`seatbelt-${name}.txt`, folder))
        return [name, createHash('sha256').update(text).digest('hex').slice(0, 16)]
      })
    expect(reviewed).toEqual(there.sort())
    expect(there.map(([name]) => name)).toEqual(
      [...whole, ...grants.map(([name]) => [`grant-${name}`])].map(([name]) => name).sort(),
    )
  })

  it('begins with what every command needs', () => {
    expect(profileOf({ policy: 'read-only' }).text).toContain(`; ${baseSection.title}\n(allow process-exec`)
  })
})
