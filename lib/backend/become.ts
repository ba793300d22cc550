/**
 * Becomes the command: this process is replaced by it, so that its process id, its descriptors, its end and every signal
 * sent to it are the command's own. For plans without mounts, which need nobody to stay behind.
 */
import { LaunchError } from '../errors.ts'
import { type LinuxBinding, loadLinuxBinding } from '../native/binding.ts'
import { errnoName } from '../native/errno.ts'
import type { LinuxPlan } from '../plan/plan.ts'
import { nativePlanImage } from './plan-records.ts'

/**
 * Returns never, or throws LaunchError (stage `image`). The command gets this process's environment. `as`: the words in which the
 * helper tells of a failed step, and the code with which it ends then: `become` 101, `exec` 125.
 */
export function become(plan: LinuxPlan, command: readonly string[], as: 'become' | 'exec' = 'become'): never {
  const binding: LinuxBinding = loadLinuxBinding()
  const image = binding.memoryFile('castellan-plan', nativePlanImage(plan))
  const errno = image < 0 ? -image : binding.becomeHelper(image, command, as)
  if (image >= 0) binding.closeFile(image)
  const name = errnoName(errno)
  throw new LaunchError(`cannot start the helper program: ${name}`, { stage: 'image', errnoName: name, errno })
}
