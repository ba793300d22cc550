/**
 * Encodes a plan for native code: the byte layout of native/linux/image.h (PlanHeader, MountRecord, RuleRecord), little
 * endian. Knows numbers and paths only; what they mean is decided by plans. The reader checks every offset again.
 */
import { ImageText } from './image-text.ts'

const magic = 0x4e4c5043
const version = 1
const headerSize = 72
const mountSize = 32
const ruleSize = 16

export const PlanFlag = {
  namespaces: 1,
  ownPid: 2,
  ownIpc: 4,
  ownNet: 8,
  noNewPrivileges: 16,
  landlock: 32,
  mountsMade: 64,
} as const

export const MountKind = {
  hostTree: 0,
  emptyRoot: 1,
  bind: 2,
  maskDirectory: 3,
  maskFile: 4,
  makeDirectory: 5,
  makeFile: 6,
  makeSymlink: 7,
  seal: 8,
  devices: 9,
  processFiles: 10,
  maskMissing: 11,
} as const

export const MountFlag = { writable: 1, file: 2, passable: 4, pinned: 8, takeFirst: 16 } as const

export interface MountRecord {
  readonly kind: number
  readonly flags: number
  readonly source: string
  readonly target: string
  readonly deviceMajor: number
  readonly deviceMinor: number
  readonly inode: bigint
}

export interface RuleRecord {
  readonly path: string
  readonly optional: boolean
  readonly allowedAccess: number
}

export interface PlanImage {
  readonly flags: number
  readonly mounts: readonly MountRecord[]
  readonly rules: readonly RuleRecord[]
  /** `struct sock_filter` records, 8 bytes each. */
  readonly filter: Uint8Array
  readonly handledAccessFs: number
  readonly handledAccessNet: number
  readonly scoped: number
  readonly landlockAbi: number
}

export const emptyPlanImage: PlanImage = {
  flags: 0,
  mounts: [],
  rules: [],
  filter: new Uint8Array(0),
  handledAccessFs: 0,
  handledAccessNet: 0,
  scoped: 0,
  landlockAbi: 0,
}

export function encodePlanImage(plan: PlanImage): Buffer {
  const mountsAt = headerSize
  const rulesAt = mountsAt + plan.mounts.length * mountSize
  const filterAt = rulesAt + plan.rules.length * ruleSize
  const text = new ImageText(filterAt + plan.filter.length)
  const head = Buffer.alloc(filterAt + plan.filter.length)
  for (const [index, mount] of plan.mounts.entries()) writeMount(head, mountsAt + index * mountSize, mount, text)
  for (const [index, rule] of plan.rules.entries()) writeRule(head, rulesAt + index * ruleSize, rule, text)
  head.set(plan.filter, filterAt)
  const image = text.appendTo(head)
  const numbers = [
    magic,
    version,
    image.length,
    plan.flags,
    mountsAt,
    plan.mounts.length,
    rulesAt,
    plan.rules.length,
    filterAt,
    plan.filter.length / 8,
  ]
  numbers.forEach((value, index) => {
    image.writeUInt32LE(value, index * 4)
  })
  image.writeBigUInt64LE(BigInt(plan.handledAccessFs), 40)
  image.writeBigUInt64LE(BigInt(plan.handledAccessNet), 48)
  image.writeBigUInt64LE(BigInt(plan.scoped), 56)
  image.writeUInt32LE(plan.landlockAbi, 64)
  return image
}

function writeMount(image: Buffer, at: number, mount: MountRecord, text: ImageText): void {
  image.writeUInt32LE(mount.kind, at)
  image.writeUInt32LE(mount.flags, at + 4)
  image.writeUInt32LE(text.offsetOf(mount.source), at + 8)
  image.writeUInt32LE(text.offsetOf(mount.target), at + 12)
  image.writeUInt32LE(mount.deviceMajor, at + 16)
  image.writeUInt32LE(mount.deviceMinor, at + 20)
  image.writeBigUInt64LE(mount.inode, at + 24)
}

function writeRule(image: Buffer, at: number, rule: RuleRecord, text: ImageText): void {
  image.writeUInt32LE(text.offsetOf(rule.path), at)
  image.writeUInt32LE(rule.optional ? 1 : 0, at + 4)
  image.writeBigUInt64LE(BigInt(rule.allowedAccess), at + 8)
}
