/**
 * A Secret Service of its own for a test: gnome-keyring without a screen, on a D-Bus session that ends with the command.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** What is missing here for a keyring, or nothing. */
export function missingForKeyring(): string | undefined {
  try {
    createRequire(import.meta.url).resolve('@napi-rs/keyring')
  } catch {
    return 'the package @napi-rs/keyring'
  }
  const programs = ['dbus-run-session', 'gnome-keyring-daemon', 'secret-tool']
  return programs.find(program => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
}

/**
 * Runs a command where the keyring is unlocked and empty. In its environment `KEYRING_PID` is the daemon, and everything
 * that a keyring writes lies below `folder`.
 */
export function withKeyring(folder: string, command: readonly string[], env: object): SpawnSyncReturns<string> {
  const script = [
    'printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &',
    'export KEYRING_PID=$!',
    // Ready when it answers; there is nothing to find.
    'for _ in $(seq 100); do',
    '  secret-tool search none none >/dev/null 2>&1 && break; kill -0 "$KEYRING_PID" || exit 99; sleep 0.1',
    'done',
    '"$@"; status=$?',
    'kill "$KEYRING_PID" 2>/dev/null; wait "$KEYRING_PID" 2>/dev/null; exit $status',
  ].join('\n')
  const runtime = join(folder, 'runtime')
  mkdirSync(runtime, { recursive: true, mode: 0o700 })
  return spawnSync('dbus-run-session', ['--', 'sh', '-c', script, 'sh', ...command], {
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      XDG_DATA_HOME: join(folder, 'data'),
      XDG_CACHE_HOME: join(folder, 'cache'),
      XDG_RUNTIME_DIR: runtime,
      ...env,
    },
    encoding: 'utf8',
    timeout: 120_000,
  })
}
