import { loadBinding } from '../native/binding.ts'
import { linuxHost } from './linux-system.ts'
import { macosHostOf } from './macos-system.ts'
import type { HostSystem } from './system.ts'

/**
 * The operating system that this process is on. Throws BackendError when there is no addon; that a system has none of ours is told
 * when something is to be confined.
 */
export function hostSystem(): HostSystem {
  const binding = loadBinding()
  return binding.system === 'darwin' ? macosHostOf(binding) : linuxHost
}
