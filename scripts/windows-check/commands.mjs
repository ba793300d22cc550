/** Commands under a restricted token: what they can write, what they get, how they end. Only on Windows. */
import { existsSync } from 'node:fs'
import path from 'node:path'

const write = target => ['-e', `require('node:fs').writeFileSync(${JSON.stringify(target)}, 'x')`]
const odd = ['a b', 'c"d', 'e\\', 'f\\\\"g', '', '%PATH%', '^&|<>']

/** Each: a name, and whether it holds. */
const checks = {
  'writes in the workspace': async ({ sandbox, at }) => {
    const { exitCode } = await sandbox.run(process.execPath, write(at('ws', 'file')))
    return exitCode === 0 && existsSync(at('ws', 'file'))
  },
  'does not write in .git': async ({ sandbox, at }) => {
    const { exitCode } = await sandbox.run(process.execPath, write(at('ws', '.git', 'config')))
    return exitCode !== 0 && !existsSync(at('ws', '.git', 'config'))
  },
  'does not write outside': async ({ sandbox, at }) => {
    const { exitCode } = await sandbox.run(process.execPath, write(at('outside', 'file')))
    return exitCode !== 0 && !existsSync(at('outside', 'file'))
  },
  'does not change an access list': async ({ sandbox, at }) => {
    const icacls = `${process.env.SystemRoot}\\System32\\icacls.exe`
    await sandbox.run(icacls, [at('ws', '.git'), '/grant', '*S-1-1-0:F'])
    const { exitCode } = await sandbox.run(process.execPath, write(at('ws', '.git', 'config')))
    return exitCode !== 0 && !existsSync(at('ws', '.git', 'config'))
  },
  'starts a program that throws its output away': async ({ sandbox }) => {
    const script = `const { status } = require('node:child_process').spawnSync(process.execPath, ['-e', '0'], { stdio: 'ignore' })
      process.exit(status === 0 ? 0 : 1)`
    return (await sandbox.run(process.execPath, ['-e', script])).exitCode === 0
  },
  'gets its arguments unchanged': async ({ sandbox }) => {
    const words = ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...odd]
    const { stdout } = await sandbox.run(process.execPath, words)
    return stdout.trim() === JSON.stringify(odd)
  },
  'passes its exit code on': async ({ sandbox }) =>
    (await sandbox.run(process.execPath, ['-e', 'process.exit(3)'])).exitCode === 3,
  'ends with its tree at the time limit': async ({ sandbox }) => {
    const script = `require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'inherit' })
      setTimeout(() => {}, 60000)`
    const { timedOut, durationMs } = await sandbox.run(process.execPath, ['-e', script], { timeout: 3000 })
    return timedOut && durationMs < 30_000
  },
  // The last one: it may take away what the others look at.
  'does not take .git away, or the plan says that it can': async ({ sandbox, at }) => {
    const script = `const fs = require('node:fs')
      try { fs.renameSync(${JSON.stringify(at('ws', '.git'))}, ${JSON.stringify(at('ws', 'moved'))}) } catch {}
      try { fs.rmSync(${JSON.stringify(at('ws', '.git'))}, { recursive: true }) } catch {}`
    await sandbox.run(process.execPath, ['-e', script])
    const isThere = existsSync(at('ws', '.git')) && !existsSync(at('ws', 'moved'))
    return isThere || sandbox.plan.limits.some(({ code }) => code === 'delete-via-parent')
  },
}

export async function checkCommands({ load, isWindows, folder }) {
  const part = { name: 'commands', done: 0, needsWindows: 0, different: [] }
  if (!isWindows) return { ...part, needsWindows: Object.keys(checks).length }
  const at = (...names) => path.join(folder, ...names)
  const policy = { type: 'workspace-write', exclude_tmpdir_env_var: true, exclude_slash_tmp: true }
  const { createSandbox } = await load('sandbox')
  try {
    const sandbox = await createSandbox({ policy, cwd: at('ws'), windows: { stateDirectory: at('state') } })
    for (const [name, holds] of Object.entries(checks)) {
      part.done++
      try {
        if (!(await holds({ sandbox, at }))) part.different.push(name)
      } catch (error) {
        part.different.push(`${name}: ${error.code ?? error.name}: ${error.message}`)
      }
    }
    await sandbox[Symbol.asyncDispose]()
  } catch (error) {
    part.different.push(`no sandbox: ${error.code ?? error.name}: ${error.message}`)
  }
  return part
}
