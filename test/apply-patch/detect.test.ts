import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { detectApplyPatch } from '../../lib/apply-patch/index.ts'
import { workspace } from './support.ts'

const patch = '*** Begin Patch\n*** Add File: foo\n+hi\n*** End Patch'
const sections = [{ kind: 'add', path: 'foo', content: 'hi\n' }]
const heredoc = (before: string, after = '', start = "<<'PATCH'"): string =>
  `${before}apply_patch ${start}\n${patch}\nPATCH${after}`

describe('detectApplyPatch', () => {
  const scripts: [script: string, directory: string | null][] = [
    [heredoc(''), null],
    [heredoc('', '\n\n  \n'), null],
    [heredoc(' \n\t'), null],
    [heredoc('', '', '<<PATCH'), null],
    [heredoc('', '', '<<"PATCH"'), null],
    [heredoc('', '', "<< 'PATCH'  "), null],
    [heredoc('').replace('apply_patch <<', 'apply_patch<<'), null],
    [heredoc('').replace('apply_patch', 'applypatch'), null],
    [heredoc('').replaceAll('\n', '\r\n'), null],
    [`apply_patch <<-'EOF'\n\t${patch.replaceAll('\n', '\n\t')}\n\tEOF\n`, null],
    [`apply_patch <<'EOF'\n${patch}\n EOF\nEOF`.replace(' EOF\n', ''), null],
    [heredoc('cd foo && '), 'foo'],
    [heredoc('cd /a/b-c.d_e &&'), '/a/b-c.d_e'],
    [heredoc("cd 'foo $bar' && "), 'foo $bar'],
    [heredoc('cd "foo bar" && '), 'foo bar'],
    [heredoc('cd foo \\\n && \n '), 'foo'],
    [`apply_patch '${patch}'`, null],
    [`apply_patch "${patch}"\n`, null],
    [`cd foo && apply_patch '${patch}'`, 'foo'],
  ]
  it.each(scripts)('finds the patch in %j', (script, workingDirectory) => {
    const expected = { kind: 'patch', workingDirectory, patch: { sections } }
    expect(detectApplyPatch(script)).toMatchObject(expected)
    expect(detectApplyPatch(['bash', '-lc', script])).toMatchObject(expected)
  })

  const commands: [words: string[]][] = [
    [['apply_patch', patch]],
    [['applypatch', `<<'EOF'\n${patch}\nEOF\n`]],
    [['bash', '-lc', heredoc('')]],
    [['bash', '-c', heredoc('')]],
    [['bash', '-l', '-c', heredoc('')]],
    [['/usr/bin/zsh', '-lc', heredoc('')]],
    [['sh', '-c', heredoc('')]],
    [['C:\\Program Files\\Git\\bin\\bash.exe', '-lc', heredoc('')]],
    [['powershell.exe', '-Command', heredoc('')]],
    [['pwsh', '-NoProfile', '-command', heredoc('')]],
    [['cmd.exe', '/C', heredoc('')]],
    [['/bin/bash', '-c', '. "$0" && exec "$@"', '/tmp/snapshot.sh', '/bin/zsh', '-lc', heredoc('')]],
  ]
  it.each(commands)('finds the patch in the words %j', words => {
    expect(detectApplyPatch(words)).toMatchObject({ kind: 'patch', workingDirectory: null, patch: { sections } })
  })

  const others: [command: string | string[]][] = [
    [''],
    ['ls'],
    ['apply_patch'],
    ['apply_patch < file'],
    [`apply_patch foo <<'PATCH'\n${patch}\nPATCH`],
    [`apply_patch'${patch}'`],
    [`apply_patch_now <<'PATCH'\n${patch}\nPATCH`],
    [`./apply_patch <<'PATCH'\n${patch}\nPATCH`],
    [`apply_patch '${patch}' extra`],
    [`apply_patch "${patch} $(id)"`],
    [`apply_patch "${patch} \`id\`"`],
    [`apply_patch <<'PATCH'\n${patch}\n`],
    [`apply_patch <<'PATCH'\n${patch}\nPATCH `.replace('PATCH ', 'PATCH x')],
    [heredoc('', ' && echo done')],
    [heredoc('', '\necho done')],
    [heredoc('', '', "<<'PATCH' && echo done")],
    [heredoc('', '', "<<'PATCH' | tee x")],
    [heredoc('', '', "<<'PATCH' > x")],
    [heredoc('', '', "<<'PATCH' 'x'")],
    [heredoc('', '', '<<$X')],
    [heredoc('', '', '<<<PATCH')],
    [heredoc('cd foo; ')],
    [heredoc('cd foo || ')],
    [heredoc('cd foo | ')],
    [heredoc('cd foo & ')],
    [heredoc('cd foo\n')],
    [heredoc('cd foo && cd bar && ')],
    [heredoc('cd foo bar && ')],
    [heredoc('cd && ')],
    [heredoc('cd - && ')],
    [heredoc('cd -P foo && ')],
    [heredoc('cd ~/foo && ')],
    [heredoc('cd $HOME && ')],
    [heredoc('cd "$HOME" && ')],
    [heredoc('cd fo* && ')],
    [heredoc("cd a'b' && ")],
    [heredoc('cd "" && ')],
    [heredoc('echo foo && ')],
    [heredoc('echo foo; cd bar && ')],
    [heredoc('X=1 ')],
    [heredoc('sudo ')],
    [heredoc('! ')],
    [heredoc('( ', ')')],
    [[]],
    [['apply_patch']],
    [['apply_patch', patch, 'extra']],
    [['/bin/apply_patch', patch]],
    [['bash', '-x', heredoc('')]],
    [['bash', heredoc('')]],
    [['fish', '-c', heredoc('')]],
    [['bash', '-lc', heredoc(''), 'extra']],
    [['echo', '-c', heredoc('')]],
  ]
  it.each(others)('leaves %j alone', command => {
    expect(detectApplyPatch(command)).toEqual({ kind: 'none' })
  })

  it('tells a call with something that is no patch', () => {
    for (const command of [['apply_patch', 'hello'], "apply_patch <<'X'\nhello\nX"]) {
      expect(detectApplyPatch(command)).toMatchObject({ kind: 'invalid', error: { code: 'ERR_PATCH_INVALID' } })
    }
  })

  it('tells a patch without the command', () => {
    for (const command of [patch, [patch], ['bash', '-lc', patch]]) {
      expect(detectApplyPatch(command)).toMatchObject({ kind: 'implicit', patch: { sections } })
    }
  })

  it('is not slowed down by nesting or length', () => {
    const wrapper = ['/bin/bash', '-c', '. "$0" && exec "$@"', 'x']
    const nested = new Array(50_000).fill(wrapper).flat()
    const start = performance.now()
    expect(detectApplyPatch([...nested, 'bash', '-lc', heredoc('')])).toEqual({ kind: 'none' })
    expect(detectApplyPatch(`apply_patch <<'E'\n${'\n'.repeat(1_000_000)}`)).toEqual({ kind: 'none' })
    expect(detectApplyPatch(`${' '.repeat(1_000_000)}x`)).toEqual({ kind: 'none' })
    expect(performance.now() - start).toBeLessThan(3000)
  })

  it.runIf(process.platform !== 'win32')('sees the patch and the directory that a shell would give the command', () => {
    const cwd = workspace({ 'foo/x': '', 'foo $bar/x': '', 'foo bar/x': '' })
    const program = join(cwd, 'apply_patch')
    writeFileSync(
      program,
      `#!/bin/sh\npwd > "$OUT/where"\nif [ $# -gt 0 ]; then printf %s "$1"; else cat; fi > "$OUT/what"\n`,
    )
    chmodSync(program, 0o755)
    const env = { PATH: `${cwd}:/usr/bin:/bin`, OUT: cwd }
    for (const [script, directory] of scripts) {
      if (directory?.startsWith('/') || script.includes('\r') || script.includes('applypatch')) continue
      expect(spawnSync('/bin/sh', ['-c', script], { cwd, env, timeout: 60_000 }).status).toBe(0)
      const detected = detectApplyPatch(script)
      expect(readFileSync(join(cwd, 'what'), 'utf8').trimEnd(), script).toBe(
        detected.kind === 'patch' && detected.patch.text,
      )
      expect(readFileSync(join(cwd, 'where'), 'utf8').trimEnd(), script).toBe(join(cwd, directory ?? ''))
    }
  })
})
