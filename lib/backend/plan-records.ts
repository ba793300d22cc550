/**
 * Turns a Linux plan into the records that native code carries out. Decides nothing: what stands here is in the plan,
 * except the inode that each bind and mask is meant for, which is read from the disk now.
 */
import { lstatSync } from 'node:fs'

import { unreachable } from '../errors.ts'
import {
  emptyPlanImage,
  encodePlanImage,
  MountFlag,
  MountKind,
  type MountRecord,
  PlanFlag,
  type PlanImage,
} from '../native/plan-image.ts'
import type { MountOperation } from '../plan/linux/mount.ts'
import type { LinuxPlan, NamespacePlan } from '../plan/plan.ts'

/** The whole plan, for the native child. */
export function nativePlanImage(plan: LinuxPlan): Buffer {
  if (plan.engine === 'unconfined') return encodePlanImage(emptyPlanImage)
  return encodePlanImage({
    ...confinement(plan),
    flags: PlanFlag.noNewPrivileges | landlockFlag(plan) | namespaceFlags(plan.namespaces),
    mounts: mountRecords(plan.mounts?.operations ?? []),
    filter: plan.seccomp === null ? new Uint8Array(0) : Buffer.from(plan.seccomp.program, 'base64'),
  })
}

/**
 * What is left for the helper inside bubblewrap, which has made the mounts and installed the filter. bubblewrap takes paths,
 * so a path could be swapped before it looked (spec/linux hole 4): the helper gets the mounts to compare them with their pins.
 */
export function innerPlanImage(plan: LinuxPlan): Buffer {
  return encodePlanImage({
    ...confinement(plan),
    flags: PlanFlag.noNewPrivileges | landlockFlag(plan),
    mounts: mountRecords(plan.mounts?.operations ?? []),
  })
}

/**
 * For the helper of the engine `namespace`, which is confined when it starts: the mounts that stand already, so that it
 * ends the command when somebody outside takes one away.
 */
export function standingPlanImage(plan: LinuxPlan): Buffer {
  const operations = plan.mounts?.operations ?? []
  return encodePlanImage({ ...emptyPlanImage, flags: PlanFlag.mountsMade, mounts: operations.map(standingRecord) })
}

/** What closes nothing has a place in the list all the same: the helper names a mount by its number in the plan. */
function standingRecord(operation: MountOperation): MountRecord {
  switch (operation.operation) {
    case 'bind': {
      const flags = operation.access === 'write' ? MountFlag.writable : 0
      return { ...plain, kind: MountKind.bind, flags, target: operation.target }
    }
    case 'mask-directory':
      return { ...plain, kind: MountKind.maskDirectory, target: operation.target }
    case 'mask-file':
      return { ...plain, kind: MountKind.maskFile, target: operation.target }
    case 'mask-missing':
      return { ...plain, kind: MountKind.maskMissing, target: operation.target }
    default:
      return { ...plain, kind: MountKind.seal }
  }
}

function confinement({ landlock }: LinuxPlan): PlanImage {
  if (landlock === null) return emptyPlanImage
  return {
    ...emptyPlanImage,
    rules: landlock.rules.map(rule => ({
      path: rule.path,
      optional: rule.presence === 'optional',
      allowedAccess: rule.allowedAccess,
    })),
    handledAccessFs: landlock.handledAccessFs,
    handledAccessNet: landlock.handledAccessNet,
    scoped: landlock.scoped,
    landlockAbi: landlock.abi,
  }
}

function landlockFlag({ landlock }: LinuxPlan): number {
  return landlock === null ? 0 : PlanFlag.landlock
}

function namespaceFlags(namespaces: NamespacePlan | null): number {
  if (namespaces === null) return 0
  return (
    PlanFlag.namespaces |
    (namespaces.pid ? PlanFlag.ownPid : 0) |
    (namespaces.ipc ? PlanFlag.ownIpc : 0) |
    (namespaces.net ? PlanFlag.ownNet : 0)
  )
}

function mountRecords(operations: readonly MountOperation[]): MountRecord[] {
  const masks = new Set<string>()
  return operations.map(operation => {
    const record = mountRecord(operation, masks)
    if (operation.operation === 'mask-directory') masks.add(operation.target)
    return record
  })
}

const plain = { flags: 0, source: '', target: '', deviceMajor: 0, deviceMinor: 0, inode: 0n }

function mountRecord(operation: MountOperation, masks: ReadonlySet<string>): MountRecord {
  switch (operation.operation) {
    case 'host-tree':
      return { ...plain, kind: MountKind.hostTree, flags: operation.access === 'write' ? MountFlag.writable : 0 }
    case 'empty-root':
      return { ...plain, kind: MountKind.emptyRoot }
    case 'bind':
      return bindRecord(operation, masks)
    case 'mask-directory':
      return pinned(
        {
          ...plain,
          kind: MountKind.maskDirectory,
          flags: operation.passable ? MountFlag.passable : 0,
          target: operation.target,
        },
        masks,
      )
    case 'mask-file':
      return pinned({ ...plain, kind: MountKind.maskFile, target: operation.target }, masks)
    case 'mask-missing':
      // Not pinned: what stands there is put there for each launch.
      return { ...plain, kind: MountKind.maskMissing, target: operation.target }
    case 'make-directory':
      return { ...plain, kind: MountKind.makeDirectory, target: operation.target }
    case 'make-file':
      return { ...plain, kind: MountKind.makeFile, target: operation.target }
    case 'make-symlink':
      return { ...plain, kind: MountKind.makeSymlink, target: operation.target, source: operation.to }
    case 'seal':
      return { ...plain, kind: MountKind.seal, target: operation.target }
    case 'devices':
      return { ...plain, kind: MountKind.devices }
    case 'process-files':
      return { ...plain, kind: MountKind.processFiles }
    default:
      return unreachable(operation)
  }
}

function bindRecord(
  operation: Extract<MountOperation, { operation: 'bind' }>,
  masks: ReadonlySet<string>,
): MountRecord {
  const flags =
    (operation.access === 'write' ? MountFlag.writable : 0) |
    (operation.type === 'file' ? MountFlag.file : 0) |
    (isBelow(operation.source, masks) ? MountFlag.takeFirst : 0)
  const record = { ...plain, kind: MountKind.bind, flags, source: operation.source, target: operation.target }
  return withPin(record, operation.source)
}

/** A mask is put where its target stands, so that is what must still be the same; inside another mask it is a new one. */
function pinned(record: MountRecord, masks: ReadonlySet<string>): MountRecord {
  return isBelow(record.target, masks) ? record : withPin(record, record.target)
}

/** What is gone since the plan was made gets no pin: the launch then fails on the missing path, and says so. */
function withPin(record: MountRecord, path: string): MountRecord {
  const found = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return record
  const { major, minor } = splitDevice(found.dev)
  return { ...record, flags: record.flags | MountFlag.pinned, deviceMajor: major, deviceMinor: minor, inode: found.ino }
}

/** glibc's layout of dev_t (gnu_dev_major(3)). */
function splitDevice(device: bigint): { major: number; minor: number } {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn)
  return { major: Number(BigInt.asUintN(32, major)), minor: Number(BigInt.asUintN(32, minor)) }
}

function isBelow(path: string, masks: ReadonlySet<string>): boolean {
  for (let slash = path.indexOf('/', 1); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    if (masks.has(path.slice(0, slash))) return true
  }
  return false
}
