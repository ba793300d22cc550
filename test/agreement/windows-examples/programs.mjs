/** Which file a name means, what a batch file may be given, what a policy's odd values come to, and how a setup begins. */
import { windowsFiles } from '../../conformance/windows-files.mjs'
import { codeOf, special } from './shared.mjs'

const files = windowsFiles({
  dirs: ['C:\\ws\\d', 'C:\\bin', 'C:\\other', 'C:\\state', 'C:\\Windows'],
  files: {
    ...{ 'C:\\bin\\tool.CMD': '', 'C:\\other\\tool.EXE': '', 'C:\\other\\a.b.exe': '', 'C:\\bin\\plain': '' },
    ...{ 'C:\\ws\\d\\.exe': '', 'C:\\ws\\here.exe': '', 'C:\\bin\\script.js': '' },
  },
})

const environment = { Path: '"C:\\bin"; relative ;C:\\other' }

const find = (library, file, change = {}) =>
  library.findWindowsProgram(file, { cwd: 'C:\\ws', environment: { ...environment, ...change }, files })

function planWith(library, entries, given) {
  const answer = library.planForWindows({
    policy: { file_system: { kind: 'restricted', entries }, network: 'restricted' },
    ...{ cwd: 'C:\\ws', stateDirectory: 'C:\\state', backend: 'elevated', environment: {}, host: {} },
    ...{ files: windowsFiles(given), options: { splitSupport: 'carve-outs' } },
  })
  return answer.plan?.denyWrite ?? answer.refusal.kind
}

const disk = { dirs: ['C:\\ws\\.git', 'C:\\data', 'C:\\state', 'C:\\Windows'] }
const workspace = [special('root', 'read'), special('current_working_directory', 'write')]

export function programExamples(add, library) {
  add(
    'a batch file whose path cmd.exe would read otherwise is not started',
    () =>
      ['%x%', 'a&b', 'a^b', 'a!b'].map(name =>
        codeOf(() => library.batchCommandLine('C:\\cmd.exe', `C:\\${name}.cmd`, [])),
      ),
    Array(4).fill('file'),
  )
  add('a batch file gets its arguments, as long as cmd.exe takes the line', () => {
    const lineOf = (...args) => library.batchCommandLine('C:\\cmd.exe', 'C:\\a b.cmd', args)
    const room = 8191 - lineOf('').length
    return [lineOf('x y', 'z\\'), lineOf('a'.repeat(room)).length, codeOf(() => lineOf('a'.repeat(room + 1)))]
  }, ['"C:\\cmd.exe" /d /e:on /v:off /s /c ""C:\\a b.cmd" "x y" "z\\\\""', 8191, 'args'])
  for (const [name, file, change, expected] of [
    ['is looked for on the path, with each extension', 'tool', {}, 'C:\\bin\\tool.COM'.replace('COM', 'CMD')],
    ['has the extensions of the command', 'tool', { PATHEXT: '.EXE; .JS ' }, 'C:\\other\\tool.EXE'],
    ['may have an extension', 'tool.exe', {}, 'C:\\other\\tool.exe'],
    ['may have a dot that begins none', 'a.b', {}, 'C:\\other\\a.b.EXE'],
    ['without an extension is no program', 'plain', {}, null],
    ['is nothing that only a shell would start', 'script', { PATHEXT: '.JS' }, null],
    ['is not looked for in the working directory', 'here', {}, null],
    ['with a folder is looked for there', '.\\here', {}, 'C:\\ws\\here.EXE'],
    ['with a folder may be an extension alone', 'd\\.exe', {}, 'C:\\ws\\d\\.exe'],
    ['with slashes as well', 'd/.exe', {}, 'C:\\ws\\d\\.exe'],
    ['is nowhere', 'gone', {}, null],
    ['is nowhere without a path', 'tool', { Path: undefined }, null],
  ])
    add(`a program ${name}`, () => find(library, file, change)?.toLowerCase() ?? null, expected?.toLowerCase() ?? null)
  add('a batch file is told which sign it cannot be given', () => {
    try {
      return library.batchCommandLine('C:\\cmd.exe', 'C:\\a.cmd', ['fine', 'a&b'])
    } catch (error) {
      return [error.option, error.message.includes('"&"')]
    }
  }, ['args[1]', true])
  for (const [name, policy] of [
    [
      'whose special place is nothing',
      { file_system: { kind: 'restricted', entries: [{ path: { type: 'special', value: null }, access: 'read' }] } },
    ],
    ['whose reading is a word', { type: 'workspace-write', read_only_access: 'x' }],
    ['whose reading is nothing', { type: 'read-only', access: null }],
    ['whose entry is nothing', { file_system: { kind: 'restricted', entries: [null] } }],
  ])
    add(
      `a policy ${name} is refused as every other one`,
      () => codeOf(() => library.parseWindowsPolicy(policy, 'C:\\ws')),
      'ERR_POLICY_INVALID',
    )
  add(
    'what a policy opens by its name is not closed for its name',
    () => [
      planWith(library, workspace, disk),
      planWith(library, [...workspace, { path: { type: 'path', path: 'C:\\ws\\.git' }, access: 'write' }], disk),
    ],
    [['C:\\ws\\.git'], []],
  )
  add(
    'only .git is read as a pointer',
    () =>
      ['.git', '.codex'].map(name =>
        planWith(library, workspace, {
          dirs: ['C:\\ws', 'C:\\data\\git', 'C:\\state', 'C:\\Windows'],
          files: { [`C:\\ws\\${name}`]: 'gitdir: C:\\data\\git' },
        }),
      ),
    [['C:\\ws\\.git', 'C:\\data\\git'], ['C:\\ws\\.codex']],
  )
  add('a setup tells its first step before it does it', () => {
    const told = []
    library.runSetup('refresh', { perform: () => new Promise(() => {}) }, step => told.push(step))
    return told
  }, ['deny-access'])
}
