/**
 * `castellan doctor`: what this machine can enforce, how that was found out, and what to do about what is missing.
 */
import { BackendError, type Capability, type DoctorReport, doctor, type HostCapabilities } from '../index.ts'
import type { CommandLine, Subcommand } from './command-line.ts'
import type { Ending } from './ending.ts'
import { textOf } from './failure.ts'
import { type Cell, table } from './table.ts'
import { painter, printable, say } from './terminal.ts'
import { UsageError } from './usage-error.ts'
import { packageVersion } from './version.ts'

export const examination: Subcommand = { options: { json: { type: 'boolean' } }, until: 'end', act }

/** 0: some engine holds a workspace-write policy with its protections; 1: none does. @throws {UsageError} */
async function act(line: CommandLine): Promise<Ending> {
  if (line.words.length > 0) throw new UsageError(`doctor takes no argument, found ${JSON.stringify(line.words[0])}`)
  let found: DoctorReport
  try {
    found = await doctor()
  } catch (error) {
    // No addon for this machine: that is the finding.
    if (!(error instanceof BackendError)) throw error
    if (line.has('json')) say('stdout', JSON.stringify(withoutAddon(error), null, 2))
    else for (const text of textOf(error).split('\n')) say('stdout', printable(text))
    return 1
  }
  if (line.has('json')) say('stdout', JSON.stringify({ version: packageVersion(), ...found }, null, 2))
  else for (const text of report(found)) say('stdout', text)
  return found.healthy ? 0 : 1
}

function withoutAddon({ code, message, hint: known }: BackendError) {
  const hint = known ?? null
  return { version: packageVersion(), healthy: false, engines: [], capabilities: null, error: { code, message, hint } }
}

function report({ capabilities, engines, healthy }: DoctorReport): string[] {
  const paint = painter('stdout')
  const { platform, kernelRelease, architecture } = capabilities
  const found = capabilitiesOf(capabilities)
  const hints = new Set([...engines, ...found.map(({ capability }) => capability)].flatMap(({ hint }) => hint ?? []))
  return [
    printable(`castellan ${packageVersion()} on ${platform} ${kernelRelease}, ${architecture}, ${user(capabilities)}`),
    ...section(table(['ENGINE', 'USABLE', 'WHY'], engines.map(engineRow), paint), engines.length),
    ...section(
      table(
        ['ABILITY', 'FOUND', 'HOW'],
        found.map(({ name, capability }) => [name, yes(capability.available), capability.how]),
        paint,
      ),
      found.length,
    ),
    '',
    ...(hints.size === 0 ? [] : [healthy ? 'Could be better:' : 'To do:']),
    ...[...hints].map(hint => `  ${printable(hint)}`),
    ...(hints.size === 0 ? [] : ['']),
    healthy
      ? paint('green', 'Healthy: workspace-write holds here with all its protections.')
      : paint('red', 'Not healthy: no engine here holds workspace-write with all its protections.'),
  ]
}

function section(lines: readonly string[], rows: number): readonly string[] {
  return rows === 0 ? [] : ['', ...lines]
}

function engineRow({ engine, usable, reason }: DoctorReport['engines'][number]): readonly (Cell | string)[] {
  return [engine, yes(usable), reason]
}

function yes(available: boolean): Cell {
  return available ? { text: 'yes', colour: 'green' } : { text: 'no', colour: 'yellow' }
}

function user(capabilities: HostCapabilities): string {
  return capabilities.platform === 'linux' && capabilities.privileged ? 'as root' : 'as an ordinary user'
}

interface Finding {
  readonly name: string
  readonly capability: Capability
}

function capabilitiesOf(capabilities: HostCapabilities): readonly Finding[] {
  if (capabilities.platform === 'darwin') {
    const { seatbelt, helper, sandboxExec } = capabilities
    return [
      { name: 'Seatbelt', capability: seatbelt },
      { name: 'helper program', capability: helper },
      { name: 'sandbox-exec', capability: sandboxExec },
    ]
  }
  if (capabilities.platform === 'win32') {
    const { restrictedToken, helper, runner } = capabilities
    return [
      { name: 'restricted tokens', capability: restrictedToken },
      { name: 'helper program', capability: helper },
      { name: 'runner as an account', capability: runner },
    ]
  }
  if (capabilities.platform !== 'linux') return []
  const { landlock, seccomp, userNamespaces, mountApi, freshProc, bubblewrap } = capabilities
  const version = bubblewrap.version === null ? '' : ` ${bubblewrap.version}`
  return [
    { name: 'seccomp filter', capability: seccomp },
    { name: 'user namespaces', capability: userNamespaces },
    { name: 'mount calls', capability: mountApi },
    { name: `Landlock${landlock.abi === 0 ? '' : ` ABI ${landlock.abi}`}`, capability: landlock },
    { name: `bubblewrap${version}`, capability: bubblewrap },
    { name: 'PID namespace', capability: freshProc },
  ]
}
