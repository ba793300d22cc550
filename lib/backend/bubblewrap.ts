/**
 * The backend of the engine `bwrap`: the system's bubblewrap makes the mounts and installs the filter, the helper inside
 * it applies Landlock and starts the command.
 *
 * Nothing of the policy or the command shows on the visible command line: options, filter, plan and request go through
 * sealed in-memory files. bubblewrap itself starts with an empty environment, so that no variable of the command (such as
 * LD_PRELOAD) acts outside the sandbox; the command's environment is in its request.
 */
import { closeSync } from 'node:fs'

import { BackendError, InternalError, LaunchError } from '../errors.ts'
import { type LinuxBinding, NativeStdio } from '../native/binding.ts'
import { emptyPlanImage, encodePlanImage } from '../native/plan-image.ts'
import { encodeRequestImage } from '../native/request-image.ts'
import { type BubblewrapArguments, bubblewrapCommandLine, renderBubblewrap } from '../plan/linux/bwrap-arguments.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { planLine } from '../plan/render.ts'
import type { Command } from '../process/command.ts'
import type { Launch, Launcher } from '../process/launch.ts'
import { errnoName } from '../process/stages.ts'
import { commandImage, sessionFlags } from './native-child.ts'
import { innerPlanImage } from './plan-records.ts'

export interface BubblewrapFacts {
  readonly options: readonly string[]
  readonly privileged: boolean
}

export function bubblewrapLauncher(binding: LinuxBinding, plan: LinuxPlan, facts: BubblewrapFacts): Launcher {
  const outer = binding.compilePlan(encodePlanImage(emptyPlanImage))
  if (outer === undefined) throw new InternalError('the plan image was refused by native code')
  const rendered = render(plan, facts)
  const inner = innerPlanImage(plan)
  return {
    planLine: (stage, index) => planLine(plan, index, stage === 'mount' ? 'mounts' : 'landlock'),
    prepare(command): Launch {
      const files = new MemoryFiles(binding)
      try {
        const parts = layOut(command.stdio.length)
        const program = plan.bubblewrap?.path ?? ''
        const helper = [
          `/proc/self/fd/${parts.helper}`,
          'inner',
          ...[parts.plan, parts.request, parts.report, command.stdio.length].map(String),
        ]
        const request = encodeRequestImage({
          flags: sessionFlags(command),
          candidates: [program],
          argv: [
            'bwrap',
            ...bubblewrapCommandLine(rendered, { arguments: parts.arguments, seccomp: parts.seccomp }, helper),
          ],
          environment: [],
          workingDirectory: '/',
        })
        const stdio = [...command.stdio]
        stdio[parts.arguments] = files.make(
          'bwrap-arguments',
          Buffer.from(`${rendered.arguments.join('\0')}\0`, 'utf8'),
        )
        stdio[parts.seccomp] = files.make('seccomp', Buffer.from(plan.seccomp?.program ?? '', 'base64'))
        stdio[parts.plan] = files.make('plan', inner)
        stdio[parts.request] = files.make('request', commandImage(command, plan, 0))
        stdio[parts.report] = NativeStdio.readPipe
        stdio[parts.helper] = NativeStdio.helper
        return {
          plan: outer,
          request,
          stdio: Int32Array.from(stdio),
          reportDescriptor: parts.report,
          release: () => files.close(),
        }
      } catch (error) {
        files.close()
        throw error
      }
    },
  }
}

/** The child's descriptors behind those of the command. */
function layOut(first: number) {
  return {
    arguments: first,
    seccomp: first + 1,
    plan: first + 2,
    request: first + 3,
    report: first + 4,
    helper: first + 5,
  }
}

function render(plan: LinuxPlan, facts: BubblewrapFacts): BubblewrapArguments {
  const { mounts, namespaces } = plan
  if (mounts === null || namespaces === null) throw new InternalError('a bubblewrap plan without mounts')
  const rendering = renderBubblewrap({ mounts, namespaces, ...facts, seccomp: true })
  if ('rendered' in rendering) return rendering.rendered
  const { message, mechanism, hint } = rendering.refusal
  throw new BackendError(message, { capability: mechanism, ...(hint === undefined ? {} : { hint }) })
}

class MemoryFiles {
  readonly #binding: LinuxBinding
  readonly #open: number[] = []

  constructor(binding: LinuxBinding) {
    this.#binding = binding
  }

  make(name: string, bytes: Uint8Array): number {
    const fd = this.#binding.memoryFile(`castellan-${name}`, bytes)
    if (fd < 0) {
      const cause = errnoName(-fd)
      throw new LaunchError(`cannot make the in-memory file for ${name}: ${cause}`, {
        stage: 'image',
        errnoName: cause,
      })
    }
    this.#open.push(fd)
    return fd
  }

  close(): void {
    for (const fd of this.#open.splice(0)) closeSync(fd)
  }
}
