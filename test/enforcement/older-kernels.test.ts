/**
 * Below a filter that takes system calls away, as an older kernel or the filter of a container does: what is left holds the
 * same, or refuses. `npm run kernels` asks real kernels the same questions.
 */
import { execFile, execFileSync } from 'node:child_process'
import { constants } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { doctor } from '../../lib/index.ts'
import { type CompiledLibrary, compileLibrary } from '../process/compiled.ts'
import { compileProbe, compilerMissing } from './support/probe.ts'
import { makeWorld, type World } from './support/world.ts'

const refuseCallsSource = fileURLToPath(new URL('../support/refuse-calls.c', import.meta.url))
const enforce = fileURLToPath(new URL('../kernels/enforce.mjs', import.meta.url))

const { engines: reports } = await doctor()
const usable = reports.filter(report => report.usable).map(report => report.engine)

/** Numbers from 424 on are the same on every architecture. */
const treeCalls = { open_tree: 428, move_mount: 429, fsopen: 430, fsconfig: 431, fsmount: 432, mount_setattr: 442 }
const openat2 = 437
const landlockCalls = [444, 445, 446]

/** A file system that anybody may write to, and one that lies in a directory which uid 0 alone may enter. */
const withMounts = [
  ...['unshare', '--map-root-user', '--mount', 'sh', '-ec'],
  'mount -t tmpfs -o mode=1777 none "$0"; mkdir -m 700 "$0/closed"; mkdir -m 777 "$0/closed/in"\n' +
    'mount -t tmpfs -o mode=1777 none "$0/closed/in"; exec "$@"',
]

const { ENOSYS, EPERM, EOPNOTSUPP } = constants.errno
const worlds = [
  { like: 'Linux 5.10 without Landlock', errno: ENOSYS, calls: [442, ...landlockCalls], without: ['landlock'] },
  {
    like: 'a filter that knows none of the mount calls of 5.2',
    errno: ENOSYS,
    calls: Object.values(treeCalls),
    without: [],
  },
  { like: 'a filter that answers EPERM to them', errno: EPERM, calls: Object.values(treeCalls), without: [] },
  { like: 'a filter that answers EPERM to openat2', errno: EPERM, calls: [openat2], without: [] },
  {
    like: 'a filter that knows no openat2 and no mount calls',
    errno: ENOSYS,
    calls: [openat2, ...Object.values(treeCalls)],
    without: [],
  },
  { like: 'Landlock switched off', errno: EOPNOTSUPP, calls: landlockCalls, without: ['landlock'] },
  { like: 'Landlock that does not restrict', errno: EPERM, calls: [446], without: ['landlock'] },
]

describe.skipIf(compilerMissing !== null)(`older kernels${compilerMissing ?? ''}`, () => {
  let world: World
  let library: CompiledLibrary
  let probe: string
  let refuseCalls: string
  beforeAll(() => {
    world = makeWorld('older')
    world.make({ mounted: null })
    library = compileLibrary()
    probe = compileProbe(world.base)
    refuseCalls = world.at('refuse-calls')
    execFileSync('cc', ['-O1', '-o', refuseCalls, refuseCallsSource])
  })
  afterAll(() => {
    world.remove()
    library.remove()
  })

  for (const { like, errno, calls, without } of worlds) {
    it(`hold or refuse: ${like}`, { timeout: 180_000 }, async () => {
      const left = usable.filter(engine => !without.includes(engine))
      const modulePath = path.join(path.dirname(library.script('unused', '')), 'lib/index.js')
      const words = ['--castellan', modulePath, '--probe', probe, '--engines', left.join(',') || 'none']
      const inside = [refuseCalls, String(errno), calls.join(','), '--', process.execPath, enforce, ...words]
      const [file = '', ...args] = usable.includes('namespace')
        ? [...withMounts, world.at('mounted'), ...inside]
        : inside
      const { stdout } = await promisify(execFile)(file, args, { maxBuffer: 1 << 24 }).catch(
        (error: { stdout?: string; stderr?: string }) => ({ stdout: `${error.stdout}${error.stderr}` }),
      )
      const lines = stdout.split('\n')
      expect(lines.filter(line => line !== '' && !line.startsWith('ok'))).toEqual([
        expect.stringMatching(/^kernel /),
        expect.stringMatching(/^[1-9][0-9]* passed, 0 failed$/),
      ])
    })
  }

  /** The switch is the nested namespace's own: nothing of the host changes. */
  it.skipIf(!usable.includes('namespace'))(
    'hold or refuse: user namespaces switched off',
    { timeout: 180_000 },
    async () => {
      const modulePath = path.join(path.dirname(library.script('unused', '')), 'lib/index.js')
      const left = usable.includes('landlock') ? 'landlock' : 'none'
      const words = ['--castellan', modulePath, '--probe', probe, '--engines', left]
      const script = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
      const inside = ['sh', '-ec', script, 'sh', process.execPath, enforce, ...words]
      const { stdout } = await promisify(execFile)('unshare', ['--map-root-user', ...inside], {
        maxBuffer: 1 << 24,
      }).catch((error: { stdout?: string; stderr?: string }) => ({ stdout: `${error.stdout}${error.stderr}` }))
      const lines = stdout.split('\n')
      expect(lines.filter(line => line !== '' && !line.startsWith('ok'))).toEqual([
        expect.stringMatching(/^kernel /),
        expect.stringMatching(/^[1-9][0-9]* passed, 0 failed$/),
      ])
    },
  )
})
