/** Everything that the Windows laws and cases ask, in one object. `load` imports one module of the library by name. */
const MODULES = [
  ...['plan', 'policy-input', 'places', 'windows-path', 'acl-view', 'acl-machine', 'acl-operations', 'command-line'],
  ...['environment', 'environment-block', 'environment-names', 'frame', 'journal', 'network', 'proxy-ports', 'mode'],
  ...[
    'setup-status',
    'setup-steps',
    'setup-payload',
    'capabilities',
    'token',
    'token-check',
    'runner-messages',
    'access-entries',
    'answer',
    'refusals',
    'firewall-check',
    'choose',
    'plan-view',
    'elevation',
    'setup-run',
    'program',
    'batch-file',
    'planned-place',
  ],
]

export async function loadWindowsLibrary(load) {
  const windows = MODULES.map(name => `plan/windows/${name}`)
  const policy = ['access', 'legacy-to-split', 'resolve', 'sandbox-policy', 'path'].map(name => `policy/${name}`)
  return Object.assign({}, ...(await Promise.all([...windows, ...policy].map(load))))
}
