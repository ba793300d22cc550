import { readFileSync } from 'node:fs'

/**
 * Windows Subsystem for Linux, version 1, which has neither namespaces nor Landlock. It has no test by doing that tells it
 * from a broken Linux, so the kernel's own version text decides: `wsl` followed by a number names the version; without
 * one, Microsoft's text without `microsoft-standard` is version 1. Source: spec/linux 4.4.
 */
export function isWsl1(version: string = kernelVersion()): boolean {
  const text = version.toLowerCase()
  const named = /wsl(\d+)/.exec(text)
  if (named !== null) return named[1] === '1'
  return text.includes('microsoft') && !text.includes('microsoft-standard')
}

function kernelVersion(): string {
  try {
    return readFileSync('/proc/version', 'utf8')
  } catch {
    return ''
  }
}
