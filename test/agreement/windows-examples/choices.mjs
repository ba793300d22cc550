/** What a machine makes of a plan, and what a plan's model answers. */
import { windowsFiles } from '../../conformance/windows-files.mjs'
import { special } from './shared.mjs'

const here = { available: true, how: 'assumed' }
const gone = { available: false, how: 'gone', hint: 'h' }
const machine = {
  ...{ platform: 'win32', architecture: 'x64', kernelRelease: '10.0.22631' },
  ...{ restrictedToken: here, helper: { ...here, path: 'C:\\helper.exe' }, runner: here, restricted: false },
}
const files = windowsFiles({ dirs: ['C:\\Windows', 'C:\\ws\\.git', 'C:\\data', 'C:\\t', 'C:\\state', 'C:\\A~1'] })

function choose(
  library,
  { policy = 'workspace-write', backend = 'unelevated', changes = {}, choice = {}, options = {} },
) {
  const read = library.parseWindowsPolicy(policy, 'C:\\ws')
  const { view } = library.placesOn(files, read.spellings)
  const around = {
    policyCwd: '/c:/ws',
    processCwd: '/c:/ws',
    temporaryDirectory: '/c:/t',
    home: undefined,
    files: view,
  }
  const surroundings = {
    ...{ cwd: 'C:\\ws', stateDirectory: 'C:\\state', backend, environment: {}, files, options },
    host: { SystemRoot: 'C:\\Windows', TEMP: 'C:\\t' },
  }
  return library.chooseWindowsPlan({
    ...{ resolved: library.resolvePolicy(read.policy, around), capabilities: { ...machine, ...changes } },
    ...{ read, surroundings, setup: () => 'ready', ...choice },
  })
}

const inShort = ({ plan, refusal, notices }) =>
  `${plan?.engine ?? `${refusal.kind} ${refusal.mechanism}`}${notices.map(({ code }) => ` ${code}`).join('')}`

const held = 'restricted-token plan-limits windows-never-executed'
const elevated = 'elevated plan-limits windows-never-executed'

function answers(library, backend) {
  const { plan } = choose(library, { backend })
  return ['/c:/ws/file', '/c:/ws/.git/config', '/c:/data/file', '/c:/windows/x', '/d:/x', '/tmp'].map(path => {
    const { access, entry } = library.windowsPlanAnswer(plan, path)
    return `${access} ${entry?.kind ?? '-'} ${entry?.path ?? '-'}`
  })
}

export function choiceExamples(add, library) {
  add(
    'a limit that is refused is told with its place, where it has one',
    () =>
      ['missing-metadata', 'read-open'].map(
        code => choose(library, { choice: { refusedLimits: [code] } }).refusal.entry,
      ),
    ['C:\\ws\\.agents', undefined],
  )
  add('what is not held is named, each once', () => {
    const { refusal } = choose(library, { choice: { strict: true } })
    return /\(([^)]*)\)/.exec(refusal.message)[1].split(', ').slice(0, 4)
  }, ['delete-via-parent', 'same-user-surrogates', 'read-open', 'network-advisory'])
  add('of several entries at one place that is told which closes most', () => {
    const { plan } = choose(library, { backend: 'elevated' })
    const at = (path, kind) => ({ path, kind, mask: 1, inherited: true, roles: ['group'] })
    const [deny, closed, read] = ['deny', 'deny-read', 'read'].map(kind => at('C:\\ws', kind))
    return [
      [deny, closed, read],
      [closed, deny, read],
      [deny, read],
      [closed, at('C:\\ws\\a', 'deny'), at('C:\\', 'deny-read')],
    ].map(accessEntries => library.windowsPlanAnswer({ ...plan, accessEntries }, '/c:/ws/a').entry.kind)
  }, ['deny-read', 'deny-read', 'deny', 'deny'])
  add(
    'a switch that was turned off in the profile turns the sandbox off',
    () =>
      ['elevated_windows_sandbox', 'experimental_windows_sandbox'].map(name =>
        library.windowsMode({ profile: { features: { [name]: false } }, top: { windows: { sandbox: 'elevated' } } }),
      ),
    [null, null],
  )
  for (const [name, question, expected] of [
    ['that has everything', {}, held],
    ['whose elevated backend is ready', { backend: 'elevated' }, elevated],
    ...['marker-missing-or-incompatible', 'offline-network-settings-changed', 'users-missing-or-incompatible'].map(
      status => [
        `with ${status}`,
        { backend: 'elevated', choice: { setup: () => status } },
        'unavailable windows setup-required',
      ],
    ),
    ['that is not set up, and does not need to be', { choice: { setup: () => 'users-missing-or-incompatible' } }, held],
    ['without a runner', { backend: 'elevated', changes: { runner: gone } }, 'unavailable windows-runner'],
    ['without a runner that is not needed', { changes: { runner: gone } }, held],
    ['that restricts no token', { changes: { restrictedToken: gone } }, 'unavailable restricted-token'],
    ['without a helper', { changes: { helper: { ...gone, path: null } } }, 'unavailable windows-helper'],
    ['whose helper is nowhere', { changes: { helper: { ...here, path: null } } }, 'unavailable windows-helper'],
    ['whose helper may not be used', { changes: { helper: { ...gone, path: 'x' } } }, 'unavailable windows-helper'],
    ['in a sandbox', { changes: { restricted: true } }, 'unavailable nested-sandbox'],
    ['that refuses a limit', { choice: { refusedLimits: ['read-open'] } }, 'not-enforceable windows read-open'],
    ['that refuses another limit', { choice: { refusedLimits: ['no-acl-volume'] } }, held],
    ['that is strict', { choice: { strict: true } }, 'not-enforceable windows delete-via-parent'],
    [
      'with a policy that closes nothing',
      { policy: 'danger-full-access' },
      'not-enforceable windows policy-not-sandboxable',
    ],
  ])
    add(`a machine ${name}`, () => inShort(choose(library, question)), expected)
  add(
    'the setup is asked about the account that the plan takes',
    () =>
      [false, true].map(network_access => {
        const asked = []
        const setup = identity => asked.push(identity) && 'ready'
        choose(library, { policy: { type: 'workspace-write', network_access }, backend: 'elevated', choice: { setup } })
        return asked.join()
      }),
    ['offline', 'online'],
  )
  add('limits are told with their places, and without where they have none', () => {
    const { message } = choose(library, {}).notices.find(({ code }) => code === 'plan-limits')
    return [message.includes('which nothing has yet: C:\\ws\\.codex)'), message.includes('undefined')]
  }, [true, false])
  add('words for places that this version does not know are told', () => {
    const tomorrow = { type: 'special', value: { kind: 'unknown', path: ':tomorrow' } }
    const entries = [special('root', 'read'), { path: tomorrow, access: 'read' }]
    const policy = { file_system: { kind: 'restricted', entries }, network: 'restricted' }
    const { notices, refusal } = choose(library, { policy, options: { splitSupport: 'carve-outs' } })
    return refusal?.message ?? notices.map(({ code }) => code)
  }, ['unknown-special-path', 'plan-limits', 'windows-never-executed'])
  add(
    'hints are passed on, and where there is none there is none',
    () =>
      [
        choose(library, { changes: { restrictedToken: gone } }),
        choose(library, { changes: { helper: { ...here, path: null } } }),
      ].map(({ refusal }) => refusal.hint),
    ['h', undefined],
  )
  add('the model of a plan without elevation', () => answers(library, 'unelevated'), [
    ...['write allow C:\\ws', 'read deny C:\\ws\\.git', 'read - -', 'read - -', 'read - -', 'none - -'],
  ])
  add('the model of a plan for an account', () => answers(library, 'elevated'), [
    ...['write allow C:\\ws', 'read deny C:\\ws\\.git', 'none - -', 'read read C:\\Windows', 'none - -', 'none - -'],
  ])
  add(
    'a name that only looks short is no link',
    () => ['/c:/a~1', '/c:/b~1'].map(path => library.policyView(files).kindOf(path)),
    ['directory', 'missing'],
  )
}
