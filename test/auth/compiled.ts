/**
 * A copy of `lib/auth` as plain JavaScript, for tests that need a second process on a Node.js that cannot read TypeScript.
 * Lies inside the repository, so that packages are found, and is removed by `remove`.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const repository = fileURLToPath(new URL('../../', import.meta.url))

export interface CompiledAuth {
  /** The address of `castellan/auth`. */
  readonly url: string
  remove(): void
}

export function compileAuth(): CompiledAuth {
  const build = join(repository, 'build')
  mkdirSync(build, { recursive: true })
  const folder = mkdtempSync(join(build, 'auth-test-'))
  for (const source of [
    join(repository, 'lib/errors.ts'),
    join(repository, 'lib/schema.ts'),
    ...sourcesIn(join(repository, 'lib/auth')),
  ]) {
    const target = join(folder, relative(join(repository, 'lib'), source)).replace(/\.ts$/, '.js')
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, compile(readFileSync(source, 'utf8')))
  }
  return {
    url: pathToFileURL(join(folder, 'auth/index.js')).href,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function sourcesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))
}

function compile(source: string): string {
  return ts.transpileModule(source, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      rewriteRelativeImportExtensions: true,
      verbatimModuleSyntax: true,
    },
  }).outputText
}
