/** Processes that a command leaves behind, and whether they still run. */

export const isAlive = pid => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export async function gone(pid) {
  for (const end = Date.now() + 30_000; isAlive(pid) && Date.now() < end; )
    await new Promise(done => setTimeout(done, 20))
  return !isAlive(pid)
}

/** A command that starts another one in the background and goes on. Prints both numbers. `options`: of the child, as JSON. */
export const family = options => `
  const { spawn } = require('child_process')
  const wait = 'setTimeout(() => {}, 120000)'
  const child = spawn(process.execPath, ['-e', wait], ${JSON.stringify({ stdio: 'ignore', ...options })})
  child.unref()
  process.stdout.write(JSON.stringify([process.pid, child.pid]) + '\\n')`

/** What a started family says of itself. */
export async function pidsOf(started) {
  const line = await new Promise(resolve => {
    let text = ''
    started.child.stdout.on('data', more => {
      text += more
      if (text.includes('\n')) resolve(text)
    })
    started.ended.then(() => resolve('[0,0]'))
  })
  return JSON.parse(line)
}
