/**
 * The steps of a launch, in the order of `enum class Stage` in native/linux/child.h, under the names that errors carry.
 */
export const stageNames = [
  'none',
  'clone',
  'signals',
  'session',
  'stdio',
  'tag',
  'namespaces',
  'identity-map',
  'mount',
  'root',
  'working-directory',
  'capabilities',
  'no-new-privileges',
  'landlock',
  'descriptors',
  'filter',
  'exec',
  'pipes',
  'image',
  'init',
  'listen',
  'limits',
  'placeholder',
  'changed',
] as const

export type StageName = (typeof stageNames)[number]

/** What the step was doing, for a person; completes "cannot …". */
const acts: Readonly<Record<StageName, string>> = {
  none: 'launch',
  clone: 'start a process',
  signals: 'reset signal actions',
  session: 'start a session',
  stdio: 'set up descriptors',
  tag: 'mark the process',
  namespaces: 'make namespaces',
  'identity-map': 'write the user id map',
  mount: 'mount',
  root: 'enter the new root',
  'working-directory': 'change to the working directory',
  capabilities: 'drop capabilities',
  'no-new-privileges': 'set no_new_privs',
  landlock: 'apply Landlock',
  descriptors: 'close descriptors',
  filter: 'install the system call filter',
  exec: 'execute',
  pipes: 'make pipes',
  image: 'read the launch image',
  init: 'start the first process of the sandbox',
  listen: 'listen for proxies on the loopback of the sandbox',
  limits: 'set limits',
  placeholder: 'keep missing paths from being created',
  changed: 'find the disk as the plan was made for',
}

export function stageOf(stage: number): StageName {
  return stageNames[stage] ?? 'none'
}

export function actOf(stage: StageName): string {
  return acts[stage]
}
