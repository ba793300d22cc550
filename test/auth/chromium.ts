/**
 * A headless Chromium that can reach this machine only, driven through playwright-core.
 */
import { accessSync, constants, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext } from 'playwright-core'

export interface Chromium {
  readonly context: BrowserContext
  close(): Promise<void>
}

export const chromiumPath = '/usr/bin/chromium'

/** What is missing for a browser, in words; nothing when it can be started. */
export async function missingForChromium(): Promise<string | undefined> {
  try {
    accessSync(chromiumPath, constants.X_OK)
  } catch {
    return `needs ${chromiumPath}, found none`
  }
  return (await import('playwright-core').catch(() => undefined)) ? undefined : 'needs playwright-core, found none'
}

export async function startChromium(): Promise<Chromium> {
  const { chromium } = await import('playwright-core')
  const profile = realpathSync(mkdtempSync(join(tmpdir(), 'castellan-chromium-')))
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath,
      headless: true,
      // Namespaces are not to be had everywhere that tests run; it shows only our own pages and the test server's.
      chromiumSandbox: false,
      // A user without a home of its own can run it, too.
      env: { PATH: process.env['PATH'] ?? '', HOME: profile, TMPDIR: profile, LANG: 'C.UTF-8' },
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ],
    })
    return {
      context,
      async close() {
        await context.close()
        removeProfile(profile)
      },
    }
  } catch (error) {
    removeProfile(profile)
    throw error
  }
}

// Chromium's helpers may write for a moment after it has ended.
function removeProfile(profile: string): void {
  rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}
