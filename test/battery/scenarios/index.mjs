// The scenarios as plain data: open.json and holes.mjs, or another file of the form of open.json after `--manifest`.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { holes } from './holes.mjs';

const at = process.argv.indexOf('--manifest');
const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8')).scenarios;
export const scenarios = at < 0 ? [...read(fileURLToPath(new URL('open.json', import.meta.url))), ...holes] : read(process.argv[at + 1]);

const seen = new Set();
for (const scenario of scenarios) {
  if (seen.has(scenario.id)) throw new Error(`duplicate scenario id ${scenario.id}`);
  seen.add(scenario.id);
  if (!scenario.observe?.length) throw new Error(`${scenario.id} observes nothing`);
}
