/**
 * The Landlock plan: which rights are handled and which paths get which rights. Names are the kernel's
 * (landlock(7), include/uapi/linux/landlock.h).
 */
import type { AbsolutePath } from '../../policy/path.ts'

export interface LandlockRule {
  readonly path: AbsolutePath
  /** Bits of LANDLOCK_ACCESS_FS_*; already reduced to what the ABI knows and, for non-directories, to file rights. */
  readonly allowedAccess: number
  /** `required`: the launch fails when the path cannot be opened. `optional`: then the rule is left out (it only grants). */
  readonly presence: 'required' | 'optional'
}

export interface LandlockPlan {
  /** The ABI the plan was made for (the kernel's, never more than the newest this library knows). */
  readonly abi: number
  readonly handledAccessFs: number
  readonly handledAccessNet: number
  readonly scoped: number
  readonly rules: readonly LandlockRule[]
}
