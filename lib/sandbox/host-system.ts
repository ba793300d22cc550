import { loadBinding } from '../native/binding.ts'
import { linuxHost } from './linux-system.ts'
import { macosHostOf } from './macos-system.ts'
import type { HostSystem } from './system.ts'
import { windowsHostOf } from './windows-system.ts'

/**
 * The operating system that this process is on. Throws BackendError when there is no addon; that a system has none of ours is told
 * when something is to be confined.
 */
export function hostSystem(): HostSystem {
  const binding = loadBinding()
  if (binding.system === 'win32') return windowsHostOf(binding)
  return binding.system === 'darwin' ? macosHostOf(binding) : linuxHost
}
