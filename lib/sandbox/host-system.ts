import { linuxHost } from './linux-system.ts'
import type { HostSystem } from './system.ts'

/** The operating system that this process is on. What cannot be used is told when a policy is known. */
export function hostSystem(): HostSystem {
  return linuxHost
}
