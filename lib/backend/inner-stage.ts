/**
 * The launch of a command whose first process is the helper: inside a PID namespace of its own, and inside bubblewrap. The
 * helper gets its images in sealed in-memory files and tells through a pipe whether the command runs and how it ended.
 */
import { LaunchError } from '../errors.ts'
import { type LinuxBinding, type NativePlan, NativeStdio } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { encodeRequestImage, noEnvironment } from '../native/request-image.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import type { Command } from '../process/command.ts'
import type { HostEnvironment } from '../process/host-environment.ts'
import type { Launch } from '../process/launch.ts'
import { commandImage, sessionFlags } from './command-image.ts'
import { mustEndTreeFirst } from './missing-places.ts'

/** What is started, given the helper's own command line. */
export interface OuterStart {
  readonly plan: NativePlan
  readonly program: string
  readonly argv: readonly string[]
}

export interface InnerStage {
  /** The helper's program and arguments, as the started program finds them. */
  readonly helper: readonly string[]
  /** A further in-memory file for the started program; returns its descriptor there. */
  add(name: string, bytes: Uint8Array): number
}

/** `innerPlan`: what the helper has still to confine. */
export function prepareInner(
  binding: LinuxBinding,
  host: HostEnvironment,
  command: Command,
  plan: LinuxPlan,
  innerPlan: Uint8Array,
  outer: (stage: InnerStage) => OuterStart,
): Launch {
  const stdio = [...command.stdio]
  const files = new MemoryFiles(binding)
  const add = (name: string, bytes: Uint8Array) => stdio.push(files.make(name, bytes)) - 1
  try {
    const planFd = add('plan', innerPlan)
    const requestFd = add('request', commandImage(command, plan, 0, host))
    const reportFd = stdio.push(NativeStdio.readPipe) - 1
    const helperFd = stdio.push(NativeStdio.helper) - 1
    const numbers = [planFd, requestFd, reportFd, command.stdio.length, ...(plan.proxyPorts ?? [])]
    const start = outer({ helper: [`/proc/self/fd/${helperFd}`, 'inner', ...numbers.map(String)], add })
    const request = encodeRequestImage({
      flags: sessionFlags(command),
      candidates: [start.program],
      argv: start.argv,
      // Nothing of the command acts on what is started before it is confined: no LD_PRELOAD, no PATH.
      environment: noEnvironment,
      workingDirectory: '/',
      oomScoreAdjust: command.oomScoreAdjust,
    })
    return {
      plan: start.plan,
      request,
      stdio,
      reportDescriptor: reportFd,
      endTreeFirst: mustEndTreeFirst(plan),
      release: () => files.close(),
    }
  } catch (error) {
    files.close()
    throw error
  }
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
      const errno = errnoName(-fd)
      throw new LaunchError(`cannot make the in-memory file for ${name}: ${errno}`, {
        stage: 'image',
        errnoName: errno,
      })
    }
    this.#open.push(fd)
    return fd
  }

  close(): void {
    for (const fd of this.#open.splice(0)) this.#binding.closeFile(fd)
  }
}
