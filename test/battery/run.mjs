#!/usr/bin/env node
// Black-box battery for Linux sandboxes.
//   node run.mjs --driver castellan|bwrap-raw|none|<path to a driver module>
// See README.md for the options and for how to write a driver.
import { spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Host, brief, buildTree, fill, host, judge, runStep, sleep, snapshot, tagged } from './lib/harness.mjs';
import { scenarios } from './scenarios/index.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const opt = (n, d) => { const i = args.indexOf(`--${n}`); return i < 0 ? d : args[i + 1]; };
const flag = (n) => args.includes(`--${n}`);
const uid = process.getuid();

if (flag('help')) {
  console.log(`options: --driver NAME|PATH  --only REGEX  --category NAME  --tier contract|hardening
  --manifest FILE  --slow  --json FILE  --list  --dump-manifest  --keep  --verbose
  --as-user NAME (as root: run the whole battery as that user)  --state DIR`);
  process.exit(0);
}
if (opt('as-user') && uid === 0) {
  const name = opt('as-user');
  const ids = ['-u', '-g'].map((f) => spawnSync('id', [f, name], { encoding: 'utf8' }).stdout.trim());
  const i = args.indexOf('--as-user');
  const r = spawnSync('setpriv', ['--reuid', ids[0], '--regid', ids[1], '--clear-groups', '--inh-caps=-all', process.execPath, fileURLToPath(import.meta.url), ...args.filter((_, k) => k !== i && k !== i + 1)],
    { stdio: 'inherit', env: { ...process.env, HOME: '/nonexistent', USER: name, LOGNAME: name, XDG_RUNTIME_DIR: undefined } });
  process.exit(r.status ?? 1);
}

let list = scenarios;
if (opt('only')) list = list.filter((s) => new RegExp(opt('only')).test(s.id));
if (opt('category')) list = list.filter((s) => s.category === opt('category'));
if (opt('tier')) list = list.filter((s) => s.tier === opt('tier'));
if (!flag('slow') && !flag('dump-manifest') && !flag('list')) list = list.filter((s) => !s.slow);
if (flag('dump-manifest')) {
  process.stdout.write(`${JSON.stringify({ version: 1, scenarios: list }, null, 1)}\n`, () => process.exit(0));
  await new Promise(() => {});
}
if (flag('list')) {
  for (const s of list) console.log(`${s.id.padEnd(44)} ${s.category.padEnd(9)} ${s.expect.padEnd(8)} ${s.tier.padEnd(9)} ${s.title}`);
  console.log(`${list.length} scenarios`);
  process.exit(0);
}

// ---- state: compiled helpers ----------------------------------------------------
const state = opt('state', path.join('/var/tmp', `sbx-battery-${uid}`));
fs.mkdirSync(path.join(state, 'bin'), { recursive: true });
const build = (src, dst, flags) => {
  const s = path.join(here, 'native', src), d = path.join(state, 'bin', dst);
  if (!fs.existsSync(d) || fs.statSync(d).mtimeMs < fs.statSync(s).mtimeMs) {
    const r = spawnSync('gcc', ['-O1', '-w', ...flags, '-o', d, s, ...(flags.includes('-static') ? ['-lrt'] : [])], { encoding: 'utf8' });
    if (r.status !== 0) throw new Error(`cannot build ${src}: ${r.stderr}`);
  }
  return d;
};
const probe = build('probe.c', 'probe', ['-static']);
const evil = build('evil.c', 'evil.so', ['-shared', '-fPIC']);
const which = (n) => { const r = spawnSync('/bin/sh', ['-c', `command -v ${n}`], { encoding: 'utf8', env: { PATH: '/usr/local/bin:/usr/bin:/bin' } }); return r.status === 0 ? r.stdout.trim() : null; };
const have = { python: which('python3'), gcc: which('gcc'), git: which('git'), npm: which('npm'), make: which('make'), rg: which('rg'), script: which('script') };
have.keys = fs.existsSync('/proc/keys');
have.ipv6 = Object.values(os.networkInterfaces()).flat().some((i) => i.address === '::1');
have.x86 = process.arch === 'x64';
have.tiocsti = (() => { try { return fs.readFileSync('/proc/sys/dev/tty/legacy_tiocsti', 'utf8').trim() === '1'; } catch { return true; } })();
have.cgroup = (() => { try { return fs.readdirSync('/sys/fs/cgroup').length > 0; } catch { return false; } })();

// ---- driver ------------------------------------------------------------------------
const dname = opt('driver', 'castellan');
const dpath = dname.includes('/') ? path.resolve(dname) : path.join(here, 'drivers', `${dname}.mjs`);
const mod = (await import(pathToFileURL(dpath).href)).default;
const driver = { ...mod, path: dpath, module: !mod.command };
const prep = (await driver.prepare?.({ state, here, have })) ?? {};
if (prep.unavailable) { console.error(`driver ${driver.name}: ${prep.unavailable}`); process.exit(2); }

async function one(s) {
  const why = driver.supports?.(s);
  if (typeof why === 'string') return { status: 'n/a', why };
  if (s.users && !s.users.includes(uid === 0 ? 'root' : 'user')) return { status: 'n/a', why: `only as ${s.users}` };
  for (const n of s.needs ?? []) if (!have[n]) return { status: 'n/a', why: `needs ${n}` };
  if (s.arch && s.arch !== process.arch) return { status: 'n/a', why: `only on ${s.arch}` };
  if (driver.unsandboxed && s.unsafeUnsandboxed) return { status: 'n/a', why: 'not safe to try without a sandbox' };

  const tag = crypto.randomBytes(5).toString('hex');
  const secret = `s3cr3t-${crypto.randomBytes(12).toString('hex')}`;
  const base = path.join(state, 'run', tag);
  const notes = [];
  const vars = { BASE: base, TAG: tag, SECRET: secret, W: path.join(base, s.wsName ?? 'ws'), OUT: path.join(base, 'out'), TMP: path.join(base, 'tmp'), HOME: path.join(base, 'home'), BIN: path.join(base, 'bin'), PROBE: path.join(base, 'bin', 'probe'), EVIL: evil, NODE: process.execPath, PY: have.python ?? 'python3', UID: uid, GID: process.getgid(), HERE: here };
  for (const d of [base, vars.W, vars.OUT, vars.TMP, vars.HOME, vars.BIN]) fs.mkdirSync(d, { recursive: true });
  fs.copyFileSync(probe, vars.PROBE);
  fs.chmodSync(vars.PROBE, 0o755);
  const h = new Host(base, tag, secret, vars.PROBE);
  const ctx = { vars, tag, secret, here, host: h, results: [], before: new Map(), children: [], sockets: [], log: (m) => notes.push(m), secretHolders: new Set() };
  try {
    await h.start(JSON.stringify(s), s.host);
    Object.assign(vars, h.vars);
    const pre = fill({ tree: s.tree ?? [] }, { ...vars, HANDLE: '' });
    buildTree(pre.tree, ctx.log);
    if (s.handleOf) {
      const r = spawnSync(vars.PROBE, ['handle', fill(s.handleOf, vars)], { encoding: 'utf8' });
      vars.HANDLE = r.stdout.trim() || '0:00';
    }
    const sc = fill(s, vars);
    for (const d of [vars.BASE]) collect(d, secret, ctx.secretHolders);
    ctx.policy = sc.policy;
    ctx.env = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: vars.HOME, TMPDIR: vars.TMP, LANG: 'C.UTF-8', TERM: 'xterm', SBX_TAG: tag, ...(sc.env ?? {}) };
    ctx.hostEnv = { PATH: ctx.env.PATH, HOME: vars.HOME, TMPDIR: vars.TMP, LANG: 'C.UTF-8', SBX_TAG: tag, SBX_HOST_SECRET: secret };
    for (const k of driver.passEnvironment ?? []) if (process.env[k] !== undefined) ctx.hostEnv[k] = process.env[k];
    for (const o of sc.observe) if (o.unchanged) ctx.before.set(JSON.stringify(o), snapshot(o.unchanged, o));
    const rounds = sc.race?.rounds ?? 1;
    let flip;
    if (sc.race?.flip) { flip = await h.helper(['host-flip', sc.race.flip[0], sc.race.flip[1], String(sc.race.seconds ?? 10)]); }
    for (let k = 0; k < rounds; k++) {
      if (sc.parallel) ctx.results.push(...await Promise.all(sc.steps.map(async (st) => { await sleep(st.startAfterMs ?? 0); return runStep(driver, st, ctx); })));
      else for (const st of sc.steps) {
        if (st.host) { host([{ sh: st.host }], ctx); continue; }
        ctx.results.push(await runStep(driver, st, ctx));
      }
    }
    if (flip) flip.kill('SIGKILL');
    if (sc.hostAfter) host(sc.hostAfter, ctx);
    const last = ctx.results[ctx.results.length - 1];
    const timedOut = ctx.results.some((r) => r.timedOut);
    const ran = ctx.results.every((r, i) => sc.steps[i % sc.steps.length]?.ranOptional || r.stdout.includes('@@ran'));
    const reasons = [];
    for (const o of sc.observe) { const w = await judge(o, ctx); if (w) reasons.push(w); }
    const ms = Math.round(ctx.results.reduce((a, r) => a + r.ms, 0));
    const base0 = { ms, notes, evidence: brief(last) };
    if (reasons.length) return { status: 'FAIL', kind: timedOut ? 'timeout' : s.expect === 'blocked' ? 'breach' : 'broken', why: reasons.join('; '), ...base0 };
    if (timedOut && !s.timeoutOk) return { status: 'FAIL', kind: 'timeout', why: 'the run did not end', ...base0 };
    if (s.expect === 'blocked' && !ran && !s.ranOptional)
      return s.refusalOk ? { status: 'pass', kind: 'refused', why: brief(last), ...base0 } : { status: 'FAIL', kind: 'refused', why: `the command was never started: ${last.error ?? brief(last)}`, ...base0 };
    return { status: 'pass', ...base0 };
  } catch (e) {
    return { status: 'FAIL', kind: 'error', why: e.stack.split('\n').slice(0, 3).join(' '), notes };
  } finally {
    if (s.cleanup) try { host(fill(s.cleanup, vars), ctx); } catch { /* best effort */ }
    for (const d of ['/tmp', '/var/tmp', '/dev/shm']) fs.rmSync(path.join(d, `sbx-${tag}`), { force: true, recursive: true });
    h.stop();
    for (const c of ctx.sockets) c.destroy();
    for (const p of tagged(tag)) try { process.kill(p, 'SIGKILL'); } catch { /* gone */ }
    for (const p of ctx.children) try { process.kill(-p, 'SIGKILL'); } catch { /* gone */ }
    if (!flag('keep')) {
      const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((l) => l.split(' ')[4]).filter((m) => m?.startsWith(base));
      for (const m of mounts.reverse()) spawnSync('umount', ['-l', m]);
      if (mounts.length) console.error(`left-over mounts were removed: ${mounts}`);
      spawnSync('chmod', ['-R', 'u+rwX', base]);
      spawnSync('rm', ['-rf', base]);
    }
  }
}
function collect(d, needle, set) {
  for (const n of fs.readdirSync(d)) {
    const p = path.join(d, n);
    const st = fs.lstatSync(p);
    if (st.isDirectory()) collect(p, needle, set);
    else if (st.isFile() && st.size < 1 << 20 && fs.readFileSync(p).includes(needle)) set.add(p);
  }
}

const results = [];
const t0 = Date.now();
for (const s of list) {
  const r = await one(s);
  results.push({ id: s.id, category: s.category, tier: s.tier, expect: s.expect, ...r });
  const shown = r.status === 'n/a' ? 'n/a ' : r.status;
  if (flag('verbose') || r.status === 'FAIL') console.log(`${shown} ${s.id} [${s.tier}${r.kind ? `, ${r.kind}` : ''}] ${r.why ?? ''}${r.notes?.length ? ` notes: ${r.notes.join(' / ')}` : ''}`);
}
const count = (f) => results.filter(f).length;
const tally = (rows) => ({ pass: rows.filter((r) => r.status === 'pass').length, fail: rows.filter((r) => r.status === 'FAIL').length, na: rows.filter((r) => r.status === 'n/a').length });
const summary = { driver: driver.name, detail: prep.detail, uid, kernel: os.release(), total: results.length, ...tally(results), contract: tally(results.filter((r) => r.tier === 'contract')), hardening: tally(results.filter((r) => r.tier === 'hardening')), attacks: tally(results.filter((r) => r.expect === 'blocked')), work: tally(results.filter((r) => r.expect === 'allowed')), seconds: Math.round((Date.now() - t0) / 1000) };
console.log(JSON.stringify(summary));
if (opt('json')) fs.writeFileSync(opt('json'), JSON.stringify({ summary, results }, null, 1));
process.exitCode = count((r) => r.status === 'FAIL') ? 1 : 0;
setTimeout(() => process.exit(), 200).unref();
