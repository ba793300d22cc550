/** Finds out what a Mac can enforce: by asking the system in this process, which confines nothing. */
import { accessSync, constants } from 'node:fs'
import { arch, release } from 'node:os'

import type { DarwinBinding } from '../native/binding.ts'
import type { SeatbeltHelper } from '../native/seatbelt-helper.ts'
import type { DarwinCapabilities } from './capabilities.ts'

/** The system's own program, by the only path that is trusted. */
const sandboxExec = '/usr/bin/sandbox-exec'

export function probeMac(binding: DarwinBinding, helper: SeatbeltHelper, program = sandboxExec): DarwinCapabilities {
  const { seatbelt, sandboxed, userCacheDirectory } = binding.probe()
  const hasProgram = isExecutable(program)
  return Object.freeze({
    platform: 'darwin',
    architecture: arch(),
    kernelRelease: release(),
    seatbelt: {
      available: seatbelt,
      how: seatbelt ? 'found sandbox_init_with_parameters' : 'sandbox_init_with_parameters is not there',
    },
    helper: { available: helper.path !== null, how: helper.how, path: helper.path },
    sandboxExec: {
      available: hasProgram,
      how: hasProgram ? `found ${program}` : `${program} is not there`,
      path: hasProgram ? program : null,
    },
    sandboxed,
    userCacheDirectory: userCacheDirectory === '' ? null : userCacheDirectory,
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
