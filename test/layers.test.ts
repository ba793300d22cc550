/**
 * Who may import whom, in lib/. The table is the design's; docs/architecture.md explains it. An exception stands here with
 * its reason, so that adding one is a reviewed line.
 */
import { describe, expect, it } from 'vitest'

import { type Import, readSourceFiles, type SourceFile } from './source-files.ts'

interface Layer {
  /** Layers whose values may be imported. */
  readonly values: readonly string[]
  /** Layers of which only types may be imported. */
  readonly types: readonly string[]
  readonly packages: readonly string[]
  /** Modules of Node; `any` for the layers that touch the world. */
  readonly node: readonly string[] | 'any'
}

const inner = ['notices', 'policy', 'host', 'native', 'plan', 'process', 'backend']
const pure = { types: [], packages: [], node: [] }

const layers: Readonly<Record<string, Layer>> = {
  errors: { ...pure, values: [] },
  notices: { ...pure, values: [] },
  // Loads zod when it is first used; its types are used everywhere.
  schema: { ...pure, values: [], packages: ['zod'], node: ['node:module'] },
  policy: { values: ['errors', 'schema'], types: [], packages: ['zod', 'smol-toml'], node: ['node:crypto'] },
  native: { values: ['errors'], types: [], packages: [], node: 'any' },
  host: { values: ['errors', 'native'], types: ['policy'], packages: [], node: 'any' },
  plan: { values: ['errors', 'notices', 'policy'], types: ['host'], packages: [], node: ['node:crypto'] },
  process: { values: ['errors', 'native'], types: ['plan'], packages: [], node: 'any' },
  backend: { values: ['errors', 'plan', 'host', 'process', 'native'], types: [], packages: [], node: 'any' },
  auth: { values: ['errors', 'schema'], types: [], packages: ['zod', 'undici'], node: 'any' },
  'apply-patch': { values: ['errors'], types: [], packages: [], node: 'any' },
  patch: {
    values: ['errors', 'apply-patch', 'policy', 'host', 'native', 'process'],
    types: [],
    packages: [],
    node: 'any',
  },
  sandbox: { values: ['errors', ...inner], types: [], packages: [], node: 'any' },
  doctor: { values: ['errors', 'sandbox', ...inner], types: [], packages: [], node: 'any' },
  'linux-sandbox': { values: ['errors', 'sandbox', ...inner], types: [], packages: [], node: 'any' },
  // Acts as a program of the command line; loads it only then.
  entry: { values: ['errors', 'native', 'cli'], types: [], packages: [], node: 'any' },
  index: { values: ['errors', 'sandbox', 'doctor', 'entry', ...inner], types: [], packages: [], node: [] },
  cli: { values: ['index', 'entry', 'linux-sandbox'], types: [], packages: [], node: 'any' },
}

/** `importer -> imported`, and why. */
const allowed = new Map([
  ['apply-patch/index.ts -> patch.ts', 'the entry point gives the functions that know policies, not the ones beneath'],
  ['host/surroundings.ts -> policy/path.ts', 'absolute paths are made in one place only, and it is pure'],
  [
    'auth/lock/default-lock.ts -> native/binding.ts',
    "the kernel's lock needs a system call; loaded with the first lock",
  ],
  [
    'auth/storage/access-list.ts -> native/binding.ts',
    'an access list of Windows needs a system call; loaded with the first write',
  ],
  ['auth/storage/access-list.ts -> native/windows-binding.ts', 'types only: what that call answers'],
  ['cli/version.ts -> native/package-root.ts', 'where package.json lies depends on how the package was compiled'],
  ['native/binding.ts -> <computed>', 'the addon, whose place depends on the machine'],
  ['auth/storage/system-keyring.ts -> <computed>', 'an optional package that no bundler may look for'],
])

/** The public entry points. Whoever is not a host goes to the file itself. */
const entryPoints = ['index.ts', 'policy/index.ts', 'auth/index.ts', 'apply-patch/index.ts', 'entry/index.ts']

/** Whose business the platform is. The keys, which may not import lib/host, ask at their edge themselves. */
const knowsPlatform = [/^(host|native|cli)\//, /^auth\/platform\.ts$/]

const files = readSourceFiles()
const layerOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, ''))

function refusalOf(from: SourceFile, { kind, target, typesOnly }: Import): string | null {
  const own = layerOf(from.path)
  const layer = layers[own]!
  if (allowed.has(`${from.path} -> ${target}`)) return null
  if (kind === 'package') return layer.packages.includes(target) ? null : 'package'
  if (kind === 'node') return layer.node === 'any' || layer.node.includes(target) ? null : 'module of Node'
  const other = layerOf(target)
  if (other === own || layer.values.includes(other)) return null
  // What the command line may see is what a host may see.
  if (own === 'cli' && entryPoints.includes(target)) return null
  if (typesOnly && layer.types.includes(other)) return null
  return layer.types.includes(other) ? 'more than types' : 'layer'
}

function filesUsing(...globals: readonly RegExp[]): { path: string; uses: string[] }[] {
  return files
    .map(({ path, globals: used }) => ({ path, uses: [...used].filter(name => globals.some(one => one.test(name))) }))
    .filter(({ uses }) => uses.length > 0)
}

describe('the layers of lib/', () => {
  it('has a row for every file', () => {
    const rowless = files.filter(({ path }) => layers[layerOf(path)] === undefined).map(({ path }) => path)
    expect(files.length).toBeGreaterThan(100)
    expect(rowless).toEqual([])
  })

  it.each(Object.keys(layers))('%s imports only what the table allows', name => {
    const violations = files
      .filter(({ path }) => layerOf(path) === name)
      .flatMap(file => file.imports.map(one => ({ from: file.path, to: one.target, refused: refusalOf(file, one) })))
      .filter(({ refused }) => refused !== null)
    expect(violations).toEqual([])
  })

  it('keeps entry points for hosts and the command line', () => {
    const violations = files
      .filter(({ path }) => layerOf(path) !== 'cli')
      .flatMap(({ path, imports }) =>
        imports.filter(({ target }) => /(^|\/)index\.ts$/.test(target)).map(({ target }) => `${path} -> ${target}`),
      )
    expect(violations).toEqual([])
    const indexes = files.filter(({ path }) => /(^|\/)index\.ts$/.test(path)).map(({ path }) => path)
    expect(indexes.toSorted()).toEqual(entryPoints.toSorted())
  })

  it('lets entry points re-export and do nothing else', () => {
    const working = files.filter(({ path, reExportsOnly }) => entryPoints.includes(path) && !reExportsOnly)
    expect(working.map(({ path }) => path)).toEqual([])
  })

  it('asks for the platform at the edges only', () => {
    const asking = [
      ...filesUsing(/^process\.platform$/).map(({ path }) => path),
      ...files
        .filter(({ imports }) =>
          imports.some(({ target, names }) => target === 'node:os' && names.includes('platform')),
        )
        .map(({ path }) => path),
    ]
    expect(asking.filter(path => !knowsPlatform.some(one => one.test(path)))).toEqual([])
    expect(asking.some(path => path.startsWith('host/'))).toBe(true)
  })

  it('prints in the command line only', () => {
    const printing = filesUsing(/^console\./, /^process\.(stdout|stderr)$/).map(({ path }) => path)
    expect(printing.filter(path => layerOf(path) !== 'cli')).toEqual([])
  })

  it('gives policy and plan no process, clock or chance', () => {
    const touching = filesUsing(/^(process|performance|console|globalThis)\./, /^Date\.(now|new)$/, /^Math\.random$/)
    expect(touching.filter(({ path }) => /^(policy|plan|errors|notices)\b/.test(path))).toEqual([])
  })

  it('loads the addon in one file', () => {
    const loading = files.filter(({ imports }) => imports.some(({ names }) => names.includes('createRequire')))
    // The schemas' is for zod. The manager's is for undici, which must load with the first request only, and synchronously.
    expect(loading.map(({ path }) => path).toSorted()).toEqual(['auth/manager.ts', 'native/binding.ts', 'schema.ts'])
  })

  it('needs every exception it lists', () => {
    const used = new Set(files.flatMap(({ path, imports }) => imports.map(({ target }) => `${path} -> ${target}`)))
    expect([...allowed.keys()].filter(key => !used.has(key))).toEqual([])
  })
})
