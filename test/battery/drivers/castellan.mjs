// The library itself. CASTELLAN_ENGINE = namespace | bwrap | landlock holds every step by that engine and no other;
// without it the library chooses. CASTELLAN_PROCESSES = isolated | shared is its option linux.processes. CASTELLAN_API =
// spawn (default) | run | wrap: with spawn the output is handed on as it comes, so that the runner sees a command's beginning
// even when the host is killed; with wrap Node's own spawn starts the command, which then belongs to Node. CASTELLAN_BUBBLEWRAP
// is the option linux.bubblewrap; CASTELLAN_BWRAP_FOLDER the only folder in which the program is looked for. Needs dist/
// and build/Release (`npm run build`).
import { spawn } from 'node:child_process';
import { createSandbox, doctor, LibraryError } from '../../../dist/bundle/index.js';

const engine = process.env.CASTELLAN_ENGINE || undefined;
const processes = process.env.CASTELLAN_PROCESSES || undefined;
const engineOptions = {
  ...(engine === undefined ? {} : { engines: [engine] }),
  ...(engine === 'bwrap' ? { bubblewrap: 'require' } : {}),
  ...(process.env.CASTELLAN_BUBBLEWRAP ? { bubblewrap: process.env.CASTELLAN_BUBBLEWRAP } : {}),
  ...(processes === undefined ? {} : { processes }),
};

/** The commands have an environment of their own, so PATH is for the search alone. */
async function create(options) {
  const { PATH, CASTELLAN_BWRAP_FOLDER: folder } = process.env;
  if (folder) process.env.PATH = folder;
  try {
    return await createSandbox(options);
  } finally {
    process.env.PATH = PATH;
  }
}

export default {
  name: engine === undefined ? 'castellan' : `castellan (${engine})`,
  // The runner gives a step's process nothing of its own environment but these.
  passEnvironment: ['CASTELLAN_ENGINE', 'CASTELLAN_PROCESSES', 'CASTELLAN_API', 'CASTELLAN_BUBBLEWRAP', 'CASTELLAN_BWRAP_FOLDER'],

  async prepare() {
    try {
      const sandbox = await create({ policy: 'read-only', cwd: '/', linux: engineOptions });
      const { engine: used, limits } = sandbox.plan;
      return { detail: `${used}, ${sandbox.notices.map((n) => `${n.code}, `).join('')}Landlock ABI ${(await doctor()).capabilities?.landlock?.abi ?? '?'}${limits.length ? `, limits: ${limits.map((l) => l.code).join(', ')}` : ''}` };
    } catch (error) {
      if (error instanceof LibraryError && error.code === 'ERR_BACKEND_UNAVAILABLE') return { unavailable: error.message };
      throw error;
    }
  },

  supports: () => true,

  async run(req) {
    let sandbox;
    try {
      sandbox = await create({ policy: req.policy.legacy ?? req.policy, cwd: req.policyCwd, linux: engineOptions });
    } catch (error) {
      return refusal(error);
    }
    const { argv: [file, ...args], cwd, env } = req;
    const input = req.stdin === 'pipe' ? 'pipe' : req.stdin === 'inherit' ? 'inherit' : 'ignore';
    const output = req.stdio === 'inherit' ? 'inherit' : 'pipe';
    const options = {
      cwd, env, stdio: [input, output, output],
      // The answer must be written before the runner's own limit, which is as long and began earlier.
      timeout: Math.max(1000, req.timeoutMs - 1500), forceKillAfterDelay: 0,
    };
    try {
      return process.env.CASTELLAN_API === 'run' && output === 'pipe'
        ? await collected(sandbox, file, args, options, req)
        : await streamed(sandbox, file, args, options, req);
    } catch (error) {
      return refusal(error);
    } finally {
      await sandbox[Symbol.asyncDispose]();
    }
  },
};

async function collected(sandbox, file, args, options, req) {
  const input = req.stdin === 'pipe' ? { input: req.stdinText ?? '' } : {};
  const { exitCode, signal, stdout, stderr } = await sandbox.run(file, args, { ...options, ...input, encoding: 'buffer' });
  return { exitCode, signal, stdout, stderr };
}

function streamed(sandbox, file, args, options, req) {
  return new Promise((resolve, reject) => {
    const child = process.env.CASTELLAN_API === 'wrap' ? wrapped(sandbox, file, args, options) : sandbox.spawn(file, args, options);
    child.stdout?.on('data', (chunk) => process.stdout.write(chunk));
    child.stderr?.on('data', (chunk) => process.stderr.write(chunk));
    child.stdin?.on('error', () => {}); // the command may close its input early
    child.stdin?.end(req.stdinText ?? '');
    child.once('error', reject);
    // An empty write is done when all before it are; the host ends by process.exit, which would drop them.
    const handedOn = (stream) => new Promise((done) => stream.write('', done));
    child.once('close', (exitCode, signal) =>
      Promise.all([handedOn(process.stdout), handedOn(process.stderr)]).then(() => resolve({ exitCode, signal, stdout: '', stderr: '' })));
  });
}

function wrapped(sandbox, file, args, { env, cwd, stdio, timeout }) {
  const command = sandbox.wrap(file, args, { env });
  return spawn(command.file, command.args, { env: command.env, cwd, stdio, timeout, killSignal: 'SIGKILL' });
}

/** What Node's spawn would call a failed start keeps the shell's exit status; the library's refusals are told as such. */
function refusal(error) {
  const text = `${error?.code ?? error?.name}: ${error?.message}`;
  if (error?.syscall?.startsWith('spawn')) return { exitCode: error.code === 'ENOENT' ? 127 : 126, signal: null, stdout: '', stderr: text };
  if (error instanceof LibraryError) return { exitCode: 1, signal: null, stdout: '', stderr: text, refused: text };
  throw error;
}
