/** The text of profiles, to be reviewed when it changes. What it means is asked elsewhere. */
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

/** What a grant adds: the profile without the lines that every profile has. */
function addedBy(grants: unknown): string {
  const without = profileOf({ policy: 'read-only', grants: {} }).text.split('\n')
  const common = new Set(without)
  const { text, parameters } = profileOf({ policy: 'read-only', grants })
  return printed({
    text: text
      .split('\n')
      .filter(line => !common.has(line))
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

  it('begins with what every command needs', () => {
    expect(profileOf({ policy: 'read-only' }).text).toContain(`; ${baseSection.title}\n(allow process-exec`)
  })
})
