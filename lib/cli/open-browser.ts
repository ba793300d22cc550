/**
 * Shows an address in the user's browser, if there is one. The address is printed in any case, so failing is no error.
 */
import { spawn } from 'node:child_process'

export function openBrowser(address: string, env: NodeJS.ProcessEnv = process.env): void {
  // Nothing but the web: what else an address may start is the system's choice.
  if (!/^https?:\/\//.test(address)) return
  const opener = openerFor(process.platform, env)
  if (opener === undefined) return
  const [file, ...args] = opener
  // No shell: an address may hold anything.
  const child = spawn(file, [...args, address], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}

function openerFor(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): readonly [string, ...string[]] | undefined {
  if (platform === 'darwin') return ['/usr/bin/open']
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler']
  // Without a screen xdg-open takes over the terminal with a browser for text, which cannot show these pages.
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? ['xdg-open'] : undefined
}
