/**
 * npm takes a script with the name `prebuild` for something to do before the script `build`. Building every target is not
 * that: it takes minutes and a compiler from the network, and whoever runs `npm run build` wants the addon of one machine.
 */
import { readFileSync } from 'node:fs'

/** `command`: a package manager's command line or title, with blanks or NULs between the words. */
export function runsBuild(command) {
  const words = command.split(/[\0\s]+/).filter(word => word !== '')
  const manager = words.findIndex(word => /(^|\/)(npm|npm-cli\.js|pnpm|pnpm\.c?js|yarn|yarn\.js)$/.test(word))
  return manager >= 0 && words.slice(manager + 1).find(word => !/^(-|run|run-script$)/.test(word)) === 'build'
}

function parentOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The name in parentheses may hold spaces: state and parent come after it.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** True when a package manager started this process on the way to the script `build`. */
export function isHookOfBuild() {
  if (process.env.npm_lifecycle_event !== 'prebuild') return false
  try {
    // This process, perhaps a shell, the package manager.
    let pid = process.ppid
    for (let step = 0; step < 3 && pid > 1; step++) {
      if (runsBuild(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) return true
      pid = parentOf(pid)
    }
    return false
  } catch {
    // Not Linux, where nothing of this can be built: whatever is asked for, the script `build` must go on.
    return true
  }
}
