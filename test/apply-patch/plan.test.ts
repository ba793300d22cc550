import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { parsePatch, planPatch } from '../../lib/apply-patch/index.ts'
import { patchOf, rejection, tree, workspace } from './support.ts'

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString())

describe('planPatch', () => {
  it('returns every change as data and writes nothing', async () => {
    const cwd = workspace({ a: '1\n2\n3\n4\n5\n', 'old/b': 'b\n', gone: 'x\ny' })
    const before = tree(cwd)
    const plan = await planPatch(
      patchOf(
        '*** Add File: sub/new',
        '+n',
        '*** Update File: a',
        '@@',
        '-5',
        '+five',
        '*** Update File: old/b',
        '*** Move to: c',
        '@@',
        ' b',
        '+b2',
        '*** Delete File: gone',
      ),
      { cwd },
    )
    expect(tree(cwd)).toEqual(before)
    expect(plan).toMatchObject({ added: ['sub/new'], modified: ['a', 'c'], deleted: ['gone'] })
    const seen = plan.changes.map(change => ({ ...change, before: text(change.before), after: text(change.after) }))
    expect(seen).toEqual([
      {
        kind: 'add',
        path: join(cwd, 'sub/new'),
        spelled: 'sub/new',
        from: null,
        before: null,
        after: 'n\n',
        unifiedDiff: '--- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+n\n',
      },
      {
        kind: 'modify',
        path: join(cwd, 'a'),
        spelled: 'a',
        from: null,
        before: '1\n2\n3\n4\n5\n',
        after: '1\n2\n3\n4\nfive\n',
        unifiedDiff: '--- a/a\n+++ b/a\n@@ -2,4 +2,4 @@\n 2\n 3\n 4\n-5\n+five\n',
      },
      {
        kind: 'move',
        path: join(cwd, 'c'),
        spelled: 'c',
        from: join(cwd, 'old/b'),
        before: 'b\n',
        after: 'b\nb2\n',
        unifiedDiff: '--- a/old/b\n+++ b/c\n@@ -1 +1,2 @@\n b\n+b2\n',
      },
      {
        kind: 'delete',
        path: join(cwd, 'gone'),
        spelled: 'gone',
        from: null,
        before: 'x\ny',
        after: null,
        unifiedDiff: '--- a/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-x\n-y\n\\ No newline at end of file\n',
      },
    ])
  })

  it('shows the sum of several sections on one file', async () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}\n`).join('')
    const cwd = workspace({ a: lines })
    const update = (from: string, to: string) => ['*** Update File: a', '@@', `-${from}`, `+${to}`]
    const plan = await planPatch(
      patchOf(
        ...update('line 3', 'x'),
        ...update('x', 'three'),
        ...update('line 20', 'twenty'),
        ...update('line 10', ''),
      ),
      { cwd },
    )
    expect(plan.changes).toHaveLength(1)
    expect(plan.changes[0]!.unifiedDiff).toBe(
      [
        '--- a/a\n+++ b/a\n@@ -1,14 +1,14 @@\n line 0\n line 1\n line 2\n-line 3\n+three\n line 4\n line 5\n line 6\n line 7',
        ' line 8\n line 9\n-line 10\n+\n line 11\n line 12\n line 13',
        '@@ -18,7 +18,7 @@\n line 17\n line 18\n line 19\n-line 20\n+twenty\n line 21\n line 22\n line 23\n',
      ].join('\n'),
    )
  })

  it('shows deleting and adding again as one change, a link and a plain rename without content', async () => {
    const cwd = workspace({ a: 'a\nb\n', b: 'b\n' })
    symlinkSync('a', join(cwd, 'link'))
    const plan = await planPatch(
      patchOf(
        '*** Delete File: a',
        '*** Add File: a',
        '+a',
        '*** Delete File: link',
        '*** Update File: b',
        '*** Move to: c',
        '*** Add File: n',
        '*** Delete File: n',
      ),
      { cwd },
    )
    expect(
      plan.changes.map(({ kind, spelled, before, unifiedDiff }) => [kind, spelled, text(before), unifiedDiff]),
    ).toEqual([
      ['modify', 'a', 'a\nb\n', '--- a/a\n+++ b/a\n@@ -1,2 +1 @@\n-a\n-b\n+a\n'],
      ['move', 'c', 'b\n', ''],
      ['delete', 'link', null, ''],
    ])
  })

  it('takes a parsed patch, and fails as applying would', async () => {
    const cwd = workspace({ a: 'a\n' })
    const patch = parsePatch(patchOf('*** Update File: a', '@@', '-z'))
    expect(await rejection(planPatch(patch, { cwd }))).toMatchObject({ code: 'ERR_PATCH_NO_MATCH' })
    const check = () => 'read' as const
    expect(await rejection(planPatch(patch, { cwd, check }))).toMatchObject({ code: 'ERR_PATCH_REFUSED' })
    expect(await rejection(planPatch('no patch', { cwd }))).toMatchObject({ code: 'ERR_PATCH_INVALID' })
  })

  it.skipIf(spawnSync('patch', ['--version']).status !== 0)('writes diffs that patch(1) takes', async () => {
    const before = 'one\r\ntwo\nthree\n\nfour\nfive\nsix\nseven\neight\nnine\nten'
    const cwd = workspace({ a: before })
    const plan = await planPatch(
      patchOf(
        '*** Update File: a',
        '@@',
        '-two',
        '+2',
        '+2b',
        '@@',
        ' eight',
        '-nine',
        ' ten',
        '+eleven',
        '@@',
        '+end',
      ),
      { cwd },
    )
    const [change] = plan.changes
    writeFileSync(join(cwd, 'b'), before)
    const result = spawnSync('patch', ['--binary', join(cwd, 'b')], { input: change!.unifiedDiff, timeout: 60_000 })
    expect(result.status, result.stdout.toString()).toBe(0)
    expect(tree(cwd)['b']).toBe(text(change!.after))
  })
})
