/**
 * A copy of the library as plain JavaScript, for tests that need another process or a worker on a Node.js that cannot read
 * TypeScript. Lies in a folder of its own, with links to the packages and the addon of this checkout.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const repository = fileURLToPath(new URL('../../', import.meta.url))

export interface CompiledLibrary {
  /** Writes a module that has `createSandbox` and the like in scope, and gives its path. */
  script(name: string, text: string): string
  remove(): void
}

/** The compiled modules are kept in `.cache` for the next test file, under a name that the sources give. */
export function compileLibrary(): CompiledLibrary {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'castellan-compiled-'))
  cpSync(compiledModules(), path.join(folder, 'lib'), { recursive: true })
  for (const name of ['node_modules', 'build', 'prebuilds', 'package.json']) {
    symlinkSync(path.join(repository, name), path.join(folder, name))
  }
  const index = pathToFileURL(path.join(folder, 'lib/index.js')).href
  return {
    script(name, text) {
      const file = path.join(folder, `${name}.mjs`)
      writeFileSync(file, `import { createSandbox, policies } from ${JSON.stringify(index)}\n${text}`)
      return file
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function compiledModules(): string {
  const library = path.join(repository, 'lib')
  const names = readdirSync(library, { recursive: true, encoding: 'utf8' }).sort()
  const sources = names
    .filter(name => name.endsWith('.ts') && !name.startsWith('auth') && !name.startsWith('cli'))
    .map(name => [name.replace(/\.ts$/, '.js'), readFileSync(path.join(library, name), 'utf8')] as const)
  const hash = createHash('sha256').update(JSON.stringify([ts.version, compilerOptions, sources]))
  const store = path.join(repository, '.cache/compiled')
  const kept = path.join(store, hash.digest('hex').slice(0, 16))
  if (existsSync(kept)) return kept
  mkdirSync(store, { recursive: true })
  const making = mkdtempSync(path.join(store, 'making-'))
  for (const [name, text] of sources) {
    mkdirSync(path.dirname(path.join(making, name)), { recursive: true })
    writeFileSync(path.join(making, name), compile(text))
  }
  // Other users' hosts read it too.
  chmodSync(making, 0o755)
  try {
    renameSync(making, kept)
  } catch (error) {
    // Another test file was sooner.
    rmSync(making, { recursive: true })
    if (!existsSync(kept)) throw error
  }
  return kept
}

const compilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  rewriteRelativeImportExtensions: true,
  verbatimModuleSyntax: true,
}

function compile(source: string): string {
  return ts.transpileModule(source, { compilerOptions }).outputText
}
