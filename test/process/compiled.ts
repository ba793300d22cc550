/**
 * A copy of the library as plain JavaScript, for tests that need another process or a worker on a Node.js that cannot read
 * TypeScript. Lies in a folder of its own, with links to the packages and the addon of this checkout.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
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

export function compileLibrary(): CompiledLibrary {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'castellan-compiled-'))
  const library = path.join(repository, 'lib')
  for (const name of readdirSync(library, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts') || name.startsWith('auth') || name.startsWith('cli')) continue
    const target = path.join(folder, 'lib', name.replace(/\.ts$/, '.js'))
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, compile(readFileSync(path.join(library, name), 'utf8')))
  }
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
