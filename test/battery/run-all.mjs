#!/usr/bin/env node
// npm run battery: the battery through every engine of the library that this machine has, then one table.
//   node run-all.mjs [--engines a,b] [--compare] [--as-user NAME] [--fails] [--out DIR] [options of run.mjs]
// --engines: default namespace,bwrap,landlock; `shared` is namespace without a PID namespace. Others leave the choice to the
// library, in a world of their own: `prefer` (the system's bubblewrap first), `without-bwrap`, `old-bwrap` (one that lacks an
// option which plans need), `no-user-namespaces` (a user namespace in which no other can be made). --compare: also `none` (what
// passes there proves nothing on this machine) and `bwrap-raw`. --as-user (as root): everything a second time as that user. --fails: only rows with a failure.
// --out: keep the results (JSON) there. The rest goes to run.mjs: --only, --category, --tier, --manifest FILE, --slow,
// --verbose. Ends with 1 when the library failed a scenario that known.json does not explain, or when something that it
// explains no longer happens in a run of everything; the comparisons do not count.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const rest = process.argv.slice(2);
const take = (name) => { const i = rest.indexOf(`--${name}`); return i < 0 ? undefined : rest.splice(i, 2)[1]; };
const flag = (name) => { const i = rest.indexOf(`--${name}`); return i >= 0 && rest.splice(i, 1).length > 0; };

const engines = (take('engines') ?? 'namespace,bwrap,landlock').split(',').filter(Boolean);
const user = take('as-user');
const kept = take('out');
const compare = flag('compare');
const fails = flag('fails');
/** `like`: the engine that holds the policies there, whose entries of known.json apply. */
const worlds = {
  shared: { like: 'namespace', env: () => ({ CASTELLAN_ENGINE: 'namespace', CASTELLAN_PROCESSES: 'shared' }) },
  prefer: { like: 'bwrap', env: () => ({ CASTELLAN_BUBBLEWRAP: 'prefer' }) },
  'without-bwrap': { like: 'namespace', env: () => ({ CASTELLAN_BUBBLEWRAP: 'prefer', CASTELLAN_BWRAP_FOLDER: '/nonexistent' }) },
  'old-bwrap': { like: 'namespace', env: () => ({ CASTELLAN_BUBBLEWRAP: 'prefer', CASTELLAN_BWRAP_FOLDER: makeOldBubblewrap() }) },
  'no-user-namespaces': { like: 'landlock', env: () => ({}), closed: true },
};
const worldOf = (engine) => worlds[engine] ?? { like: engine, env: () => ({ CASTELLAN_ENGINE: engine }) };
const runs = engines.map((engine) => ({ name: engine, driver: 'castellan', ...worldOf(engine) }));

/** Not below /tmp, which many policies open: a program that a command could have put there is not used. */
let oldBubblewrap;
function makeOldBubblewrap() {
  oldBubblewrap ??= fs.mkdtempSync('/var/tmp/sbx-old-bwrap-');
  fs.chmodSync(oldBubblewrap, 0o755);
  const without = `case "$*" in *--perms*) echo 'bwrap: Unknown option --perms' >&2; exit 1;; --help) /usr/bin/bwrap --help 2>&1 | grep -v -e --perms; exit;; esac`;
  fs.writeFileSync(path.join(oldBubblewrap, 'bwrap'), `#!/bin/sh\n${without}\nexec /usr/bin/bwrap "$@"\n`, { mode: 0o755 });
  return oldBubblewrap;
}

/** How a run is started: as that user; where no user namespace can be made, from within one that allows none. */
function startOf(who, closed) {
  const ids = () => ['-u', '-g'].map((f) => spawnSync('id', [f, user], { encoding: 'utf8' }).stdout.trim());
  const other = who === 'user' && user !== undefined;
  if (!closed) return { prefix: [], as: other ? ['--as-user', user] : [] };
  const drop = other ? ['setpriv', '--reuid', ids()[0], '--regid', ids()[1], '--clear-groups', '--inh-caps=-all'] : [];
  const close = 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"';
  return { prefix: [...drop, 'unshare', '--user', '--map-current-user', '--keep-caps', 'sh', '-c', close, 'sh'], as: [] };
}
if (compare) runs.push({ name: 'bwrap-raw', driver: 'bwrap-raw' }, { name: 'none', driver: 'none' });

const out = fs.mkdtempSync(path.join(os.tmpdir(), 'battery-'));
if (user !== undefined) fs.chmodSync(out, 0o1777); // that user writes its results here, too
const known = JSON.parse(fs.readFileSync(path.join(here, 'known.json'), 'utf8'));
const matches = (pattern, id) => (pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern);
const appliesTo = (k, engine) => k.engines.includes(engine) || k.engines.includes(worldOf(engine).like);
const reasonFor = (engine, id) => known.find((k) => appliesTo(k, engine) && k.scenarios.some((p) => matches(p, id)))?.why;

/** What a run of the library did that nobody has explained; and explanations without a failure, where all scenarios ran. */
function surprises(engine, results) {
  const found = [];
  const explained = new Map();
  for (const r of results.filter((x) => x.status === 'FAIL')) {
    const why = reasonFor(engine, r.id);
    if (why === undefined) found.push(`${engine}: ${r.id} failed (${r.kind}): ${r.why}`);
    else explained.set(why, (explained.get(why) ?? 0) + 1);
  }
  for (const [why, count] of explained) console.log(`   known (${count}): ${why}`);
  const partial = rest.some((x) => ['--only', '--category', '--tier', '--manifest'].includes(x));
  if (!partial) for (const k of known) if (appliesTo(k, engine) && !explained.has(k.why)) found.push(`${engine}: known.json is out of date: ${k.why}`);
  return found;
}

let failed = false;
try {
  const files = [];
  const first = process.getuid() === 0 ? 'root' : 'user';
  for (const { name, driver, env = () => ({}), closed = false } of runs) {
    for (const who of user === undefined ? [first] : ['root', 'user']) {
      const file = path.join(out, `${name}-${who}.json`);
      const { prefix, as } = startOf(who, closed);
      fs.rmSync(file, { force: true });
      console.log(`== ${name} as ${who}`);
      const args = [process.execPath, path.join(here, 'run.mjs'), '--driver', driver, '--json', file, ...as, ...rest];
      const [program, ...words] = [...prefix, ...args];
      const { status } = spawnSync(program, words, { stdio: 'inherit', env: { ...process.env, ...env() } });
      if (fs.existsSync(file)) files.push(file);
      if (driver !== 'castellan') continue;
      if (status === 2) continue; // the driver has said why it cannot work on this machine
      const found = fs.existsSync(file) ? surprises(name, JSON.parse(fs.readFileSync(file, 'utf8')).results) : [`${name}: no result`];
      for (const text of found) console.log(`   NEW ${text.slice(0, 300)}`);
      if (found.length > 0) failed = true;
    }
  }
  if (files.length === 0) failed = true;
  else spawnSync(process.execPath, [path.join(here, 'report.mjs'), ...files, ...(fails ? ['--fails'] : [])], { stdio: 'inherit' });
} finally {
  if (kept !== undefined) fs.cpSync(out, kept, { recursive: true });
  fs.rmSync(out, { recursive: true, force: true });
  if (oldBubblewrap !== undefined) fs.rmSync(oldBubblewrap, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;
