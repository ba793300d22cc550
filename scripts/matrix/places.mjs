/** Where the rows of the matrix run: a folder with the installed tarball, and roots with next to nothing else in them. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** A root with a shell, `cat` and the C library: no compiler, no package manager, nothing of the checkout. */
export function makeRoot(folder, programs) {
  for (const name of ['bin', 'proc', 'dev', 'tmp', 'etc', 'app', 'home', 'runtime']) {
    mkdirSync(path.join(folder, name), { recursive: true })
  }
  // What is mounted over.
  writeFileSync(path.join(folder, 'runtime/program'), '')
  for (const name of ['sh', 'cat', 'sleep']) copyWithLibraries(realpathSync(`/bin/${name}`), folder, `/bin/${name}`)
  for (const program of programs) copyLibraries(program, folder)
}

function copyWithLibraries(file, folder, to) {
  copyFileSync(file, path.join(folder, to))
  copyLibraries(file, folder)
}

function copyLibraries(file, folder) {
  const { stdout } = spawnSync('ldd', [file], { encoding: 'utf8' })
  for (const [library] of stdout.matchAll(/\/\S+/g)) {
    const to = path.join(folder, library)
    mkdirSync(path.dirname(to), { recursive: true })
    copyFileSync(realpathSync(library), to)
  }
}

/** The command that runs `program` in such a root, as uid 65534, with the package read-only and the project and the home writable. */
export function inRoot({ root, project, home, program, args, modulesAt = '/app/node_modules' }) {
  const app = path.dirname(modulesAt)
  const bind = ['--ro-bind', root, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--bind', home, '/home']
  const mounts = [...bind, '--bind', project, app, '--ro-bind', path.join(project, 'node_modules'), modulesAt]
  const who = ['--unshare-user', '--uid', '65534', '--gid', '65534', '--unshare-pid', '--die-with-parent', '--clearenv']
  const environment = ['--setenv', 'PATH', '/bin', '--setenv', 'HOME', '/home', '--setenv', 'LANG', 'C.UTF-8']
  const runtime = ['--ro-bind', program, '/runtime/program', '--chdir', app]
  return { file: 'bwrap', args: [...who, ...mounts, ...runtime, ...environment, '--', '/runtime/program', ...args] }
}
