/** The way of a command: what starts it, its environment, its exit code, its end, and the tools that people run. */
import { newPart } from './kit.mjs'

export async function checkProcesses(kit) {
  const part = newPart('processes')
  const sandbox = await kit.sandboxOf({ policy: 'read-only', cwd: kit.folder })
  const { starter } = sandbox.plan
  part.told.push(`commands are started by ${starter?.kind ?? 'nothing'}`)
  const checks = [
    [
      'environment',
      run => run('/bin/sh', ['-c', 'echo $CODEX_SANDBOX $CODEX_SANDBOX_NETWORK_DISABLED']),
      said('seatbelt 1'),
    ],
    ['exit code 65', run => run('/bin/sh', ['-c', 'exit 65']), ended(65)],
    ['a signal of its own', run => run('/bin/sh', ['-c', 'kill -TERM $$']), ({ signal }) => signal === 'SIGTERM'],
    ['a time limit', run => run('/bin/sleep', ['30'], { timeout: 500 }), ({ timedOut }) => timedOut],
    [
      'a second sandbox',
      run => run('/usr/bin/sandbox-exec', ['-p', '(version 1)(allow default)', '/usr/bin/true']),
      ({ exitCode }) => exitCode !== 0,
    ],
    ...[
      ['/bin/ls', ['/']],
      ['/usr/bin/git', ['--version']],
      [process.execPath, ['-p', '1']],
      ['/usr/bin/python3', ['-c', '']],
    ].map(([file, args]) => [`the program ${file}`, run => run(file, args), ended(0)]),
  ]
  for (const [name, act, holds] of checks) {
    part.done++
    if (!kit.isMac) {
      part.needsMac++
      continue
    }
    try {
      const result = await act((file, args, options) => sandbox.run(file, args, options))
      if (!holds(result)) {
        const { exitCode, signal, stderr } = result
        part.different.push(`${name}: ended with ${exitCode ?? signal}: ${stderr.slice(0, 300)}`)
      }
    } catch (error) {
      part.different.push(`${name}: ${error.code}: ${error.message}`)
    }
  }
  sandbox[Symbol.dispose]()
  return part
}

function ended(code) {
  return ({ exitCode }) => exitCode === code
}

function said(text) {
  return ({ stdout }) => stdout.trim() === text
}
