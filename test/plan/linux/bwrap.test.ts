import { describe, expect, it } from 'vitest'

import {
  type BubblewrapRequest,
  bubblewrapArgumentLimit,
  bubblewrapCommandLine,
  renderBubblewrap,
} from '../../../lib/plan/linux/bwrap-arguments.ts'
import { makeMountPlan } from '../../../lib/plan/linux/mount.ts'
import type { AbsolutePath } from '../../../lib/policy/path.ts'
import type { ResolvedPolicy } from '../../../lib/policy/types.ts'
import { tree } from '../../agreement/rule-trees.ts'
import { bubblewrapOptions } from './capabilities.ts'

function request(resolved: ResolvedPolicy, changes: Partial<BubblewrapRequest> = {}): BubblewrapRequest {
  const made = makeMountPlan(resolved)
  if ('refusal' in made) throw new Error(`refused: ${made.refusal.message}`)
  return {
    mounts: made.plan,
    namespaces: { pid: false, ipc: true, net: true },
    options: bubblewrapOptions,
    privileged: false,
    seccomp: true,
    ...changes,
  }
}

function rendered(resolved: ResolvedPolicy, changes: Partial<BubblewrapRequest> = {}) {
  const rendering = renderBubblewrap(request(resolved, changes))
  if ('refusal' in rendering) throw new Error(`refused: ${rendering.refusal.message}`)
  return rendering.rendered
}

function refusal(resolved: ResolvedPolicy, changes: Partial<BubblewrapRequest> = {}) {
  const rendering = renderBubblewrap(request(resolved, changes))
  if (!('refusal' in rendering)) throw new Error('words were made')
  return rendering.refusal
}

/** One option with its values per line. */
function lines(words: readonly string[]): string {
  return `${words.join(' ').replaceAll(' --', '\n--')}\n`
}

const workspace = tree('/ read', '/w write', '/w/.git read directory protection')
const nested = tree('/ read', '/a none', '/a/b/c write', '/a/b/c/d none', '/a/b/c/d/e read file', '/a/key none file')
const empty = tree(
  '/bin read symlink platform',
  '/usr read directory platform',
  '/home/me/w write',
  '/home/me/f read file',
)

describe('renderBubblewrap', () => {
  it.each([
    ['workspace-write', workspace, {}],
    ['none-write-none-read', nested, {}],
    ['empty-root', empty, {}],
    [
      'own-processes',
      workspace,
      { namespaces: { pid: true, ipc: true, net: false }, directory: '/w/sub' as AbsolutePath },
    ],
    ['whole-disk-but-these', tree('/ write', '/home/me/.ssh none'), { privileged: true }],
  ])('says the words of bwrap-%s.txt', async (name, resolved, changes) => {
    const words = lines(rendered(resolved, changes).arguments)
    await expect(words).toMatchFileSnapshot(`../../golden/bwrap-${name}.txt`)
  })

  it('shows no path on the command line', () => {
    const words = rendered(nested, { directory: '/w' as AbsolutePath })
    const line = bubblewrapCommandLine(words, { arguments: 3, seccomp: 4 }, ['/inner', 'run'])
    expect(line).toEqual(['--args', '3', '--seccomp', '4', '--', '/inner', 'run'])
    expect(line.slice(0, -2).filter(word => word.includes('/'))).toEqual([])
    expect(words.arguments.join('\0')).toContain('/a/b/c/d/e')
  })

  it('leaves the filter out when there is none, and insists on a number for it when there is one', () => {
    expect(rendered(workspace, { seccomp: false }).commandLine).toEqual(['--args', { descriptor: 'arguments' }, '--'])
    expect(() => bubblewrapCommandLine(rendered(workspace), { arguments: 3 }, [])).toThrow(/no descriptor/)
  })

  it('uses no option that the program does not list', () => {
    for (const resolved of [workspace, nested, empty]) {
      const { arguments: words, commandLine } = rendered(resolved, { namespaces: { pid: true, ipc: true, net: true } })
      const used = [...words, ...commandLine].filter(word => typeof word === 'string' && word.startsWith('--'))
      expect(used.filter(word => word !== '--' && !bubblewrapOptions.includes(word as string))).toEqual([])
    }
  })

  it.each([
    ['--perms', nested],
    ['--tmpfs', nested],
    ['--dir', nested],
    ['--remount-ro', nested],
    ['--symlink', empty],
    ['--bind', workspace],
    ['--ro-bind', workspace],
    ['--dev', workspace],
    ['--unshare-user', workspace],
    ['--unshare-ipc', workspace],
    ['--unshare-net', workspace],
    ['--new-session', workspace],
    ['--die-with-parent', workspace],
    ['--args', workspace],
    ['--seccomp', workspace],
  ])('refuses a program without %s, which the plan needs', (option, resolved) => {
    const options = bubblewrapOptions.filter(other => other !== option)
    const answer = refusal(resolved, { options })
    expect(answer).toMatchObject({ kind: 'unavailable', mechanism: 'bubblewrap' })
    expect(answer.message).toMatch(new RegExp(`${option}, which is needed to `))
  })

  it('does without the options that the plan does not need', () => {
    const without = (...left: string[]) => bubblewrapOptions.filter(option => !left.includes(option))
    const options = without('--symlink', '--proc', '--unshare-pid', '--unshare-net', '--chdir', '--cap-drop')
    const words = rendered(workspace, { options, namespaces: { pid: false, ipc: true, net: false } }).arguments
    expect(words).not.toContain('--cap-drop')
    expect(words).not.toContain('--unshare-net')
  })

  it('takes all capabilities from the command of a privileged caller, or refuses', () => {
    const options = bubblewrapOptions.filter(option => option !== '--cap-drop')
    expect(rendered(workspace, { privileged: true }).arguments.join(' ')).toContain('--cap-drop ALL')
    expect(refusal(workspace, { privileged: true, options }).message).toContain('--cap-drop')
  })

  it('covers the settings of the kernel when it mounts a fresh /proc', () => {
    const words = lines(rendered(workspace, { namespaces: { pid: true, ipc: true, net: true } }).arguments)
    expect(words).toContain('--proc /proc\n--ro-bind /proc/sys /proc/sys\n')
    expect(lines(rendered(workspace).arguments)).toContain('--ro-bind /proc /proc\n')
  })

  it('refuses more words than bubblewrap reads', () => {
    const denied = Array.from({ length: bubblewrapArgumentLimit / 3 }, (_, index) => `/d/${index} none file`)
    expect(refusal(tree('/ read', ...denied)).message).toMatch(/accepts 9000/)
    expect(rendered(tree('/ read', ...denied.slice(0, 2000))).arguments.length).toBeLessThan(bubblewrapArgumentLimit)
  })

  it('passes names that look like options or have line ends as they are', () => {
    const words = rendered(tree('/ read', '/w/--perms\n000 write')).arguments
    expect(words[words.indexOf('--bind') + 1]).toBe('/w/--perms\n000')
  })
})
