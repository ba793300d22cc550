/**
 * Finds out what this machine can enforce by doing each thing once in a child that executes nothing. Never reads a version
 * file to decide. The answers are remembered for the life of the process, except bubblewrap's, which depend on the policy.
 */
import { arch, release } from 'node:os'

import { type LinuxBinding, loadBinding } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import { emptyPlanImage, encodePlanImage, MountKind, PlanFlag, type PlanImage } from '../native/plan-image.ts'
import { findSeatbeltHelper } from '../native/seatbelt-helper.ts'
import { actOf, stageOf } from '../native/stages.ts'
import { findWindowsHelper } from '../native/windows-helper.ts'
import type {
  BubblewrapCapability,
  Capability,
  HostCapabilities,
  LandlockCapability,
  LinuxCapabilities,
} from './capabilities.ts'
import { namespaceHint } from './namespace-hint.ts'
import { probeMac } from './probe-macos.ts'
import { probeWindows } from './probe-windows.ts'
import { isWsl1 } from './wsl.ts'

type Lasting = Omit<LinuxCapabilities, 'bubblewrap'>

let remembered: Lasting | undefined

/** Throws BackendError when the addon cannot be loaded. */
export function probeCapabilities(bubblewrap: BubblewrapCapability): HostCapabilities {
  const binding = loadBinding()
  if (binding.system === 'darwin') return probeMac(binding, findSeatbeltHelper())
  if (binding.system === 'win32') return probeWindows(binding.probe(), findWindowsHelper())
  if (binding.system !== 'linux') {
    if (process.platform === 'win32') return probeWindows(null, { path: null, how: 'it was not looked for' })
    return Object.freeze({ platform: 'other', architecture: arch(), kernelRelease: release() })
  }
  remembered ??= probeLinux(binding)
  return Object.freeze({ ...remembered, bubblewrap })
}

function probeLinux(binding: LinuxBinding): Lasting {
  const architecture = process.arch === 'x64' || process.arch === 'arm64' ? process.arch : 'other'
  return {
    platform: 'linux',
    architecture,
    kernelRelease: release(),
    privileged: process.geteuid?.() === 0,
    landlock: probeLandlock(binding),
    seccomp: attempt(binding, 'installed a filter that allows everything', {
      ...emptyPlanImage,
      flags: PlanFlag.noNewPrivileges,
      filter: allowEverything,
    }),
    userNamespaces: probeUserNamespaces(binding),
    freshProc: attempt(binding, 'mounted a fresh /proc in a PID namespace', {
      ...emptyPlanImage,
      flags: PlanFlag.namespaces | PlanFlag.ownPid | PlanFlag.noNewPrivileges,
      mounts: [mount(MountKind.hostTree), mount(MountKind.devices), mount(MountKind.processFiles)],
    }),
    mountApi: attempt(binding, 'copied and restricted a mount tree in a mount namespace', {
      ...emptyPlanImage,
      flags: PlanFlag.namespaces,
      mounts: [mount(MountKind.hostTree), mount(MountKind.devices)],
    }),
    wsl1: isWsl1(),
  }
}

/** `BPF_RET | BPF_K` with SECCOMP_RET_ALLOW. */
const allowEverything = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0xff, 0x7f)

const mount = (kind: number) => ({ kind, flags: 0, source: '', target: '', deviceMajor: 0, deviceMinor: 0, inode: 0n })

const landlockHints: Readonly<Record<string, string>> = {
  ENOSYS: 'the kernel was built without Landlock: use Linux 5.13 or newer with CONFIG_SECURITY_LANDLOCK',
  EOPNOTSUPP: 'Landlock is switched off: add landlock to the kernel parameter lsm=',
}

function probeLandlock(binding: LinuxBinding): LandlockCapability {
  const abi = binding.landlockAbi()
  if (abi < 1) {
    const name = errnoName(-abi)
    const hint = landlockHints[name]
    const how = `asked the kernel for its Landlock version: ${name}`
    return { available: false, abi: 0, how, errnoName: name, ...(hint === undefined ? {} : { hint }) }
  }
  const tried = attempt(binding, `applied a ruleset of ABI ${abi} to a process`, {
    ...emptyPlanImage,
    flags: PlanFlag.noNewPrivileges | PlanFlag.landlock,
    rules: [{ path: '/', optional: false, allowedAccess: 4 }],
    handledAccessFs: 4,
    landlockAbi: 1,
  })
  return { ...tried, abi: tried.available ? abi : 0 }
}

function probeUserNamespaces(binding: LinuxBinding): Capability {
  const tried = attempt(binding, 'made a user and a mount namespace, wrote the id maps and mounted inside', {
    ...emptyPlanImage,
    flags: PlanFlag.namespaces | PlanFlag.ownIpc | PlanFlag.noNewPrivileges,
    mounts: [mount(MountKind.hostTree), mount(MountKind.devices), mount(MountKind.processFiles)],
  })
  return tried.available ? tried : { ...tried, hint: namespaceHint }
}

function attempt(binding: LinuxBinding, act: string, image: PlanImage): Capability {
  const plan = binding.compilePlan(encodePlanImage(image))
  const failure = plan === undefined ? { stage: 18, errno: 22, index: -1 } : binding.tryPlan(plan)
  if (failure === undefined) return { available: true, how: act }
  const name = errnoName(failure.errno)
  return {
    available: false,
    how: `tried it in a child, which could not ${actOf(stageOf(failure.stage))}: ${name}`,
    errnoName: name,
  }
}
