// Other sandboxes as variants, from the folder that BENCH_PEERS names, where `npm install @anthropic-ai/sandbox-runtime
// @openai/codex` was done. Each is used as its own documentation says; what cannot run here is told with its reason.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

function collect(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const texts = ['', '']
    for (const [index, stream] of [child.stdout, child.stderr].entries()) {
      stream.setEncoding('utf8').on('data', chunk => {
        texts[index] += chunk
      })
    }
    child.once('error', reject)
    child.once('close', status => resolve({ status, stdout: texts[0], stderr: texts[1] }))
  })
}

/** Codex's own program, below the packages that npm installed for this platform. */
function findCodex(folder) {
  const scope = path.join(folder, 'node_modules/@openai')
  if (!existsSync(scope)) return undefined
  const files = readdirSync(scope, { recursive: true, withFileTypes: true })
  const found = files.find(entry => entry.isFile() && entry.name === 'codex')
  return found === undefined ? undefined : path.join(found.parentPath, found.name)
}

function codex(folder, cwd) {
  const program = findCodex(folder)
  if (program === undefined) throw new Error('there is no @openai/codex')
  const entry = (value, access) => ({ path: value, access })
  const policy = JSON.stringify({
    kind: 'restricted',
    entries: [
      entry({ type: 'special', value: { kind: 'root' } }, 'read'),
      entry({ type: 'path', path: cwd }, 'write'),
      entry({ type: 'path', path: path.join(cwd, '.git') }, 'read'),
    ],
  })
  const profile = JSON.stringify({
    type: 'managed',
    file_system: { type: 'restricted', entries: JSON.parse(policy).entries },
    network: 'restricted',
  })
  const words = ['--sandbox-policy-cwd', cwd, '--command-cwd', cwd, '--permission-profile', profile, '--']
  // It goes by this name, and looks for itself by it on PATH, inside.
  const links = path.join(cwd, 'codex-bin')
  mkdirSync(links, { recursive: true })
  symlinkSync(program, path.join(links, 'codex-linux-sandbox'))
  const options = {
    cwd,
    argv0: 'codex-linux-sandbox',
    env: { ...process.env, PATH: `${links}:${process.env.PATH}` },
  }
  return ({ file, args }) => collect(program, [...words, file, ...args], options)
}

async function sandboxRuntime(folder, cwd) {
  const require = createRequire(path.join(folder, 'package.json'))
  const entry = path.join(folder, 'node_modules/@anthropic-ai/sandbox-runtime/package.json')
  if (!existsSync(entry)) throw new Error('there is no @anthropic-ai/sandbox-runtime')
  const { SandboxManager } = await import(pathToFileURL(require.resolve('@anthropic-ai/sandbox-runtime')).href)
  await SandboxManager.initialize({
    network: { allowedDomains: [], deniedDomains: [] },
    filesystem: { denyRead: [], allowWrite: [cwd], denyWrite: [path.join(cwd, '.git')] },
  })
  const quote = word => `'${word.replaceAll("'", "'\\''")}'`
  return {
    run: async ({ file, args }) => {
      const line = await SandboxManager.wrapWithSandbox([file, ...args].map(quote).join(' '))
      return await collect('/bin/sh', ['-c', line], { cwd })
    },
    close: () => SandboxManager.reset(),
  }
}

/** Those that run `true` here. `missing` says why the others do not. */
export async function peerVariants(cwd) {
  const folder = process.env.BENCH_PEERS
  const variants = []
  const missing = {}
  const closing = []
  const dispose = () => Promise.all(closing.map(close => close()))
  if (folder === undefined) return { variants, missing: { peers: 'BENCH_PEERS names no folder' }, dispose }
  const peers = {
    'Codex helper': () => ({ run: codex(folder, cwd) }),
    'sandbox-runtime': () => sandboxRuntime(folder, cwd),
  }
  for (const [name, make] of Object.entries(peers)) {
    try {
      const { run, close } = await make()
      if (close !== undefined) closing.push(close)
      const { status, stderr } = await run({ file: 'true', args: [] })
      if (status === 0) variants.push({ name, run })
      else missing[name] = `true ended with ${status}: ${stderr.trim().slice(0, 200)}`
    } catch (error) {
      missing[name] = error.message
    }
  }
  return { variants, missing, dispose }
}
