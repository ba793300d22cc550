/**
 * What this machine can enforce, how that was found out, and what to do about what is missing.
 */
import { findBubblewrap } from './host/bubblewrap.ts'
import type { DarwinCapabilities, HostCapabilities, WindowsCapabilities } from './host/capabilities.ts'
import { probeCapabilities } from './host/probe.ts'
import type { SetupStatus } from './plan/windows/setup-status.ts'
import { windowsSetupStatus } from './sandbox/windows-setup.ts'

export interface EngineReport {
  readonly engine: 'namespace' | 'bwrap' | 'landlock' | 'seatbelt' | 'restricted-token' | 'elevated'
  readonly usable: boolean
  /** Why not, or what it holds. */
  readonly reason: string
  readonly hint?: string
}

export interface DoctorReport {
  readonly capabilities: HostCapabilities
  readonly engines: readonly EngineReport[]
  /** At least one engine can hold a workspace-write policy with its protections. */
  readonly healthy: boolean
}

/** Probes by doing, in children that execute nothing. Throws BackendError when the addon cannot be loaded. */
export async function doctor(): Promise<DoctorReport> {
  const bubblewrap = await findBubblewrap(process.env['PATH'], [])
  const capabilities = probeCapabilities(bubblewrap)
  if (capabilities.platform === 'darwin') return macosReport(capabilities)
  if (capabilities.platform === 'win32') return windowsReport(capabilities, elevatedStatus())
  if (capabilities.platform !== 'linux') return Object.freeze({ capabilities, engines: [], healthy: false })
  if (capabilities.wsl1) {
    const reason = 'version 1 of the Windows Subsystem for Linux has nothing to hold a command with'
    const all = (['namespace', 'bwrap', 'landlock'] as const).map(engine =>
      report(engine, false, reason, 'convert the distribution: wsl --set-version NAME 2'),
    )
    return Object.freeze({ capabilities, engines: Object.freeze(all), healthy: false })
  }
  const { userNamespaces, mountApi, landlock, seccomp } = capabilities
  const needed = !seccomp.available ? seccomp : !userNamespaces.available ? userNamespaces : mountApi
  const engines: EngineReport[] = [
    report('namespace', needed.available, needed.available ? 'holds every policy' : needed.how, needed.hint),
    report('bwrap', bubblewrap.available && seccomp.available, bubblewrap.how, bubblewrap.hint),
    report(
      'landlock',
      landlock.available && seccomp.available,
      landlock.available
        ? `ABI ${landlock.abi}: holds policies without carve-outs, not .git and other protected paths`
        : landlock.how,
      landlock.hint,
    ),
  ]
  const healthy = engines.some(({ engine, usable }) => usable && engine !== 'landlock')
  return Object.freeze({ capabilities, engines: Object.freeze(engines), healthy })
}

/** The same for a Mac that was asked already. */
export function macosReport(capabilities: DarwinCapabilities): DoctorReport {
  const { sandboxed, seatbelt, helper, sandboxExec } = capabilities
  const usable = !sandboxed && ((seatbelt.available && helper.available) || sandboxExec.available)
  const reason = sandboxed
    ? 'this process is in a sandbox already, and macOS does not put a process into a second one'
    : usable
      ? 'a model of it holds every policy; no command of this version has run under a profile yet'
      : `${helper.how}; ${sandboxExec.how}`
  const engines = Object.freeze([report('seatbelt', usable, reason, sandboxed ? nestedHint : undefined)])
  return Object.freeze({ capabilities, engines, healthy: usable })
}

/** Null where it cannot be asked. */
function elevatedStatus(): SetupStatus | null {
  try {
    const { offline, online } = windowsSetupStatus()
    return offline === 'ready' ? online : offline
  } catch {
    return null
  }
}

/** The same for a Windows machine that was asked already. `setup`: of the elevated backend, null where that is not known. */
export function windowsReport(capabilities: WindowsCapabilities, setup: SetupStatus | null): DoctorReport {
  const { restricted, restrictedToken, helper, runner } = capabilities
  const missing = [restrictedToken, helper].find(({ available }) => !available)
  const usable = !restricted && missing === undefined
  const elevated = usable && runner.available && setup === 'ready'
  const nested = 'this process has a restricted token already, and a command would not get the one that is planned'
  const held =
    'a model of it holds workspace-write, but for what plan.limits tells; no command of this version has run yet'
  const reason = restricted ? nested : (missing?.how ?? held)
  const without = runner.available ? `it is not set up: ${setup ?? 'its state cannot be read'}` : runner.how
  const hint = runner.available ? 'run `castellan windows setup`' : runner.hint
  const engines = Object.freeze([
    report('restricted-token', usable, reason, restricted ? nestedHint : missing?.hint),
    report('elevated', elevated, elevated || !usable ? reason : without, hint),
  ])
  // The token of the user deletes by rights over directories, protected names too; the accounts have none.
  return Object.freeze({ capabilities, engines, healthy: elevated })
}

const nestedHint = 'start this program outside of that sandbox'

function report(
  engine: EngineReport['engine'],
  usable: boolean,
  reason: string,
  hint: string | undefined,
): EngineReport {
  return Object.freeze({ engine, usable, reason, ...(usable || hint === undefined ? {} : { hint }) })
}
