/**
 * `codex-linux-sandbox`: from the words of the command line to something that runs. Prints nothing and ends nothing; that
 * is the business of the command line's edge.
 *
 *   read ─▶ combine ─▶ filter, landlock: become the command (never returns)
 *   │          │       mounts: a sandbox, whose command this process waits for
 *   └─ usage   └─ refused
 */
import { realpathSync } from 'node:fs'
import path from 'node:path'

import { become } from '../backend/become.ts'
import { InternalError } from '../errors.ts'
import { unsoughtBubblewrap } from '../host/bubblewrap.ts'
import { probeCapabilities } from '../host/probe.ts'
import { currentSurroundings } from '../host/surroundings.ts'
import { choosePlan } from '../plan/choose.ts'
import type { LinuxEngine, LinuxPlan } from '../plan/plan.ts'
import { refusalError } from '../plan/refusal-error.ts'
import type { Policy } from '../policy/policy.ts'
import { resolvePolicy } from '../policy/resolve.ts'
import type { Surroundings } from '../policy/types.ts'
import type { SandboxedProcess } from '../process/sandboxed-process.ts'
import { createSandbox } from '../sandbox.ts'
import { type AcceptedCommand, combine, type RefusedCommand } from './combination.ts'
import { type HelperCommandLine, HelperUsageError, readHelperCommandLine } from './command-line.ts'
import { ownEnvironment } from './own-environment.ts'
import { startBridged } from './proxy-bridge.ts'
import { type ProxyObstacle, proxyRoutes } from './proxy-routes.ts'

export interface WaitingHelper {
  readonly kind: 'waiting'
  /** Starts the command with this process's descriptors 0 to 2, in a session of its own. */
  readonly start: () => SandboxedProcess
}

export type HelperOutcome =
  | WaitingHelper
  | RefusedCommand
  | { readonly kind: 'usage'; readonly message: string }
  | { readonly kind: 'help' }

/**
 * Throws what `createSandbox` throws when this machine cannot hold the policy, and LaunchError when the command could not be
 * become. In every case nothing was executed.
 */
export async function prepareHelper(args: readonly string[]): Promise<HelperOutcome> {
  let line: HelperCommandLine | 'help'
  try {
    line = readHelperCommandLine(args)
  } catch (error) {
    if (error instanceof HelperUsageError) return { kind: 'usage', message: error.message }
    throw error
  }
  if (line === 'help') return { kind: 'help' }
  const surroundings = currentSurroundings({ cwd: path.resolve(line.policyDirectory) })
  const combined = combine(line, surroundings)
  if (combined.kind === 'refused') return combined
  if (typeof combined.proxy === 'object') return refusedRoutes
  if (combined.engine !== 'mounts') return become(planToBecome(combined, surroundings), line.command)
  return await waitingHelper(line, combined, surroundings)
}

function planToBecome({ engine, policy, network }: AcceptedCommand, surroundings: Surroundings): LinuxPlan {
  const engines: readonly LinuxEngine[] = ['landlock']
  // `filter`: mounts of an outer stage hold the file system, or nothing has to.
  const held = engine === 'filter' ? openPolicy(network) : withNetwork(policy, network, surroundings)
  const choice = choosePlan({
    resolved: resolvePolicy(held, surroundings),
    capabilities: probeCapabilities(unsoughtBubblewrap),
    options: { engines, guardTag: false },
  })
  if ('refusal' in choice) throw refusalError(choice.refusal)
  if (choice.plan.kind !== 'linux') throw new InternalError(`a plan for ${choice.plan.kind} on Linux`)
  return choice.plan
}

function openPolicy(network: AcceptedCommand['network']): Policy {
  return { form: 'split', fileSystem: { kind: 'unrestricted', entries: [] }, network }
}

function withNetwork(policy: Policy, network: AcceptedCommand['network'], surroundings: Surroundings): Policy {
  const { fileSystem } = resolvePolicy(policy, surroundings)
  return { form: 'split', fileSystem, network }
}

/** An outer stage of ours makes the routes itself; those of another program lead through sockets that we do not trust. */
const refusedRoutes: RefusedCommand = {
  kind: 'refused',
  reason: 'foreign-routes',
  message:
    '--proxy-route-spec: routes that another program made are not taken; call with --allow-network-for-proxy alone',
}

const noRoutes: Readonly<Record<ProxyObstacle, RefusedCommand>> = {
  none: {
    kind: 'refused',
    reason: 'no-proxy',
    message: '--allow-network-for-proxy needs proxy environment variables, for instance HTTP_PROXY',
  },
  unusable: {
    kind: 'refused',
    reason: 'no-proxy',
    message: '--allow-network-for-proxy needs parseable loopback endpoints in the proxy environment variables',
  },
}

async function waitingHelper(
  line: HelperCommandLine,
  { policy, network, proxy }: AcceptedCommand,
  surroundings: Surroundings,
): Promise<WaitingHelper | RefusedCommand> {
  const [file, ...rest] = line.command as [string, ...string[]]
  const routes = proxy === 'none' ? null : proxyRoutes(process.env)
  if (typeof routes === 'string') return noRoutes[routes]
  const held = routes === null ? policy : withNetwork(policy, network, surroundings)
  const sandbox = await createSandbox({
    policy: held,
    cwd: surroundings.policyCwd,
    linux: {
      // Where the whole disk can be written, no program on it can be told from one that a command put there.
      bubblewrap: resolvePolicy(held, surroundings).fullDiskWrite ? 'never' : 'prefer',
      engines: ['bwrap', 'namespace'],
      processes: processView(line),
      ...(routes === null ? {} : { proxyPorts: [...routes.endpoints.keys()] }),
    },
  })
  const options = { cwd: startingDirectory(line), env: ownEnvironment(routes?.environment), session: 'new' } as const
  const start = (...handover: number[]) => sandbox.spawn(file, rest, { ...options, stdio: [0, 1, 2, ...handover] })
  return { kind: 'waiting', start: routes === null ? start : () => startBridged(routes.endpoints, start) }
}

/**
 * `--no-proc` asks for no fresh /proc, where mounting one fails. Whether it does is found out by doing here, so the flag
 * changes nothing: hiding the host's processes is never less than what was asked for.
 */
function processView({ inheritPidNamespace }: HelperCommandLine): 'isolated' | 'shared' {
  return inheritPidNamespace ? 'shared' : 'isolated'
}

/** This process's own, except where the logical directory of the command is an alias of another (spec/linux 5.1). */
function startingDirectory({ commandDirectory, policyDirectory }: HelperCommandLine): string {
  const given = path.resolve(commandDirectory ?? policyDirectory)
  try {
    const canonical = realpathSync(given)
    return canonical === given ? process.cwd() : canonical
  } catch {
    return process.cwd()
  }
}
