/** Wine's own root as a place to run programs of Windows in: as a user without rights, without a network, with few folders of this machine. */
import { spawnSync } from 'node:child_process'
import path from 'node:path'

/**
 * Runs `command` and waits until Wine has written its registry; answers as `spawnSync` does. `wine` is from install.mjs, `folders`
 * are bound to read, each `[folder, place in the root]`, `variables` are added to the environment. Node.js cannot write to a pipe of
 * Linux there: what a program has to say goes to a file in /home, which is `wine.home`.
 */
export function underWine({ wine, folders = [], variables = {}, command, seconds }) {
  const environment = {
    HOME: '/home',
    PATH: '/usr/lib/wine:/usr/bin',
    WINEPREFIX: '/home/prefix',
    WINESERVER: '/usr/lib/wine/wineserver64',
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
    ...variables,
  }
  const script = '"$@"; code=$?; wineserver64 -w; exit $code'
  const args = [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--die-with-parent', '--new-session'],
    ...['--uid', '1000', '--gid', '1000', '--bind', wine.root, '/', '--proc', '/proc', '--dev', '/dev'],
    ...['--ro-bind', '/sys', '/sys', '--tmpfs', '/tmp', '--bind', wine.home, '/home'],
    ...folders.flatMap(([folder, place]) => ['--ro-bind', folder, place]),
    ...['--ro-bind', path.dirname(wine.node), '/node', '--ro-bind', '/bin/dash', '/sh', '--clearenv'],
    ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ...['/sh', '-c', script, 'sh', '/usr/lib/wine/wine64', ...command],
  ]
  return spawnSync('bwrap', args, { stdio: 'ignore', timeout: seconds * 1000, killSignal: 'SIGKILL' })
}
