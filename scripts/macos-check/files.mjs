/** Files in a temporary folder: each is read, written, made and removed under several policies, and the model is asked. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { newPart } from './kit.mjs'

const at = (folder, given) => (given === '' ? folder : path.join(folder, given))
const entry = (folder, given, access) => ({ path: { type: 'path', path: at(folder, given) }, access })
const special = (kind, access) => ({ path: { type: 'special', value: { kind } }, access })

/** Policies of the workspace `ws`, by the shape that each of them is about. */
const policies = [
  ['read-only', () => 'read-only'],
  ['workspace-write', () => ({ type: 'workspace-write', exclude_slash_tmp: true, exclude_tmpdir_env_var: true })],
  [
    'none, write, none, read',
    folder => ({
      kind: 'restricted',
      entries: [
        special('root', 'read'),
        entry(folder, 'ws', 'write'),
        entry(folder, 'ws/a', 'none'),
        entry(folder, 'ws/a/b', 'write'),
        entry(folder, 'ws/missing', 'none'),
      ],
    }),
  ],
  [
    'a pattern that denies',
    folder => ({
      kind: 'restricted',
      entries: [
        special('root', 'read'),
        entry(folder, 'ws', 'write'),
        { path: { type: 'glob_pattern', pattern: `${folder}/ws/**/*.key` }, access: 'none' },
      ],
    }),
  ],
  [
    'restricted reading',
    folder => ({ kind: 'restricted', entries: [special('minimal', 'read'), entry(folder, 'ws', 'write')] }),
  ],
]

const files = ['ws/x', 'ws/a/x', 'ws/a/b/x', 'ws/.git/config', 'ws/deep/one.key', 'outside/x']
/** Written where nothing stands; letter case is one of the things that only a Mac can tell. */
const missing = ['ws/new', 'ws/.codex/config', 'ws/.CODEX', 'ws/missing', 'ws/MISSING', 'ws/new.key', 'outside/new']

function makeWorld(folder) {
  rmSync(path.join(folder, 'ws'), { recursive: true, force: true })
  rmSync(path.join(folder, 'outside'), { recursive: true, force: true })
  for (const name of files) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), 'text\n')
  }
}

const allows = { none: [], read: ['read'], write: ['read', 'write'] }

export async function checkFiles(kit) {
  const { folder, isMac } = kit
  const part = newPart('files')
  for (const [name, policyOf] of policies) {
    makeWorld(folder)
    const sandbox = await kit.sandboxOf({ policy: policyOf(folder), cwd: path.join(folder, 'ws') })
    const probes = [
      ...files.flatMap(file => [
        [file, 'read', '(read line < "$1")'],
        [file, 'write', '(: >> "$1")'],
      ]),
      ...missing.map(file => [file, 'write', '(: > "$1")']),
    ]
    for (const [file, act, script] of probes) {
      const place = path.join(folder, file)
      const { access, policyAccess } = sandbox.explain(place)
      part.done++
      // A profile also closes what comes to match a pattern later, and other letter cases of what is missing.
      const isWider = !existsSync(place) && /\.key$|[A-Z]/.test(file)
      if (access !== policyAccess && !(isWider && access !== 'write')) {
        part.different.push(`${name}: the policy says ${policyAccess} for ${file}, the model ${access}`)
      }
      if (!isMac) {
        part.needsMac++
        continue
      }
      // What lies in a directory that is not there cannot be made whatever is allowed.
      if (act === 'write' && !existsSync(path.dirname(place))) continue
      const { exitCode } = await sandbox.run('/bin/sh', ['-c', `${script} 2>/dev/null`, 'sh', place])
      const wanted = allows[access].includes(act)
      if ((exitCode === 0) !== wanted) {
        part.different.push(
          `${name}: ${act} ${file} was ${exitCode === 0 ? 'done' : 'refused'}, the model says ${access}`,
        )
      }
    }
    if (isMac && name === 'workspace-write') await checkMoves(part, sandbox, folder)
    sandbox[Symbol.dispose]()
  }
  return part
}

/** What goes around names: renames of what holds something closed, and hard links. */
async function checkMoves(part, sandbox, folder) {
  makeWorld(folder)
  const attempts = [
    ['rename .git', 'mv .git other'],
    ['rename a directory that holds what is closed', 'mv ../ws ../moved'],
    ['link a closed file', 'ln .git/config link && echo changed >> link'],
    ['clone a closed file into its place', 'cp -c .git/config copy && mv copy .git/config'],
  ]
  for (const [name, script] of attempts) {
    part.done++
    const { exitCode } = await sandbox.run('/bin/sh', ['-c', `${script} 2>/dev/null`])
    if (exitCode === 0) part.different.push(`${name}: it was done`)
    makeWorld(folder)
  }
}
