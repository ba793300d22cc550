// node bench/auth.mjs [--short] [--json]
//
// What the keys cost in the host's process: a poll of a login that the server refused for good, beside the one stat that it
// makes; a bearer from a fresh login; loading. No network: the authorization server is a function. Part of `npm run bench`.
// Runs against dist (`npm run build:ts`); CASTELLAN_DIST names another build.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { interleave, summary } from './statistics.mjs'

const encoded = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** As long as real ones: about 1.5 kB each. */
function jwt(claims) {
  return `${encoded({ alg: 'RS256' })}.${encoded({ ...claims, filling: 'x'.repeat(700) })}.${encoded('s'.repeat(256))}`
}

function loginText(now) {
  const account = 'account-1'
  const claims = { 'https://api.openai.com/auth': { chatgpt_account_id: account, chatgpt_plan_type: 'pro' } }
  const tokens = {
    id_token: jwt({ ...claims, email: 'user@example.test' }),
    access_token: jwt({ ...claims, exp: Math.floor(now / 1000) + 86_400 }),
    refresh_token: 'r'.repeat(90),
    account_id: account,
  }
  const last_refresh = new Date(now).toISOString()
  return JSON.stringify({ auth_mode: 'chatgpt', OPENAI_API_KEY: null, tokens, last_refresh }, null, 2)
}

/** A file that was changed just now may change again within the tick of its stamp, and is read each time. */
async function settled(file) {
  const age = () => Date.now() - statSync(file).ctimeMs
  while (age() < 2_050) await new Promise(resolve => setTimeout(resolve, 2_100 - age()))
}

async function rejected(promise) {
  try {
    await promise
  } catch (error) {
    if (error.reason === 'other') return
    throw error
  }
  throw new Error('the login should have been poisoned')
}

export async function authCosts({ AuthManager }, { rounds, calls }) {
  const homes = ['fresh', 'poisoned'].map(name => mkdtempSync(path.join(tmpdir(), `castellan-bench-${name}-`)))
  const [freshHome, poisonedHome] = homes
  const files = homes.map(home => path.join(home, 'auth.json'))
  try {
    for (const file of files) writeFileSync(file, loginText(Date.now()), { mode: 0o600 })
    let requests = 0
    const fetch = async () => {
      requests++
      return Response.json({ error: 'invalid_grant' }, { status: 400 })
    }
    const [fresh, poisoned] = await Promise.all(
      [freshHome, poisonedHome].map(home => AuthManager.open({ home, env: {}, fetch, jitterMs: 0 })),
    )
    await rejected(poisoned.refreshToken())
    for (const file of files) await settled(file)

    const acts = {
      'fs.promises.stat': () => stat(files[1]),
      'refreshToken(), poisoned': () => rejected(poisoned.refreshToken()),
      'getAuthStatus({ refreshToken }), poisoned': () => poisoned.getAuthStatus({ refreshToken: true }),
      'auth(), fresh': () => fresh.auth(),
      'accessToken(), fresh': () => fresh.accessToken(),
      'fs.promises.readFile': () => readFile(files[0]),
      'reload()': () => fresh.reload(),
      'AuthManager.open()': () => AuthManager.open({ home: freshHome, env: {}, fetch }),
    }
    // Short blocks in turns: other load of the machine then meets every row alike. The first rounds are the compiler's.
    const samples = await interleave(Object.keys(acts), { rounds, warmUp: Math.ceil(3_000 / calls) }, async name => {
      const act = acts[name]
      const start = performance.now()
      for (let call = 0; call < calls; call++) await act()
      return { microseconds: ((performance.now() - start) / calls) * 1000 }
    })
    if (requests !== 1) throw new Error(`one request was to be made, not ${requests}`)
    const rows = [...samples].map(([what, { microseconds }]) => ({ what, ...summary(microseconds) }))
    const of = what => rows.find(row => row.what === what).median
    return {
      fileBytes: readFileSync(files[0]).length,
      rows,
      poisonedOverStatUs: of('refreshToken(), poisoned') - of('fs.promises.stat'),
    }
  } finally {
    for (const home of homes) rmSync(home, { recursive: true, force: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const short = process.argv.includes('--short')
  const dist = process.env.CASTELLAN_DIST ?? path.join(import.meta.dirname, '../dist')
  const library = await import(pathToFileURL(path.join(dist, 'auth/index.js')).href)
  const results = await authCosts(library, { rounds: short ? 40 : 300, calls: 50 })
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(results, null, 2))
  } else {
    console.log(`Node ${process.version}, auth.json of ${results.fileBytes} bytes, one call at a time\n`)
    console.log('| call | median | p95 |')
    console.log('|---|--:|--:|')
    for (const { what, median, p95 } of results.rows) {
      console.log(`| ${what} | ${median.toFixed(2)} µs | ${p95.toFixed(2)} µs |`)
    }
    const extra = results.poisonedOverStatUs
    console.log(
      `\na poisoned call beyond its stat: ${extra.toFixed(2)} µs, target ≤ 2 µs: ${extra <= 2 ? 'met' : 'missed'}`,
    )
  }
}
