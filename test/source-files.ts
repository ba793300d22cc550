/**
 * Reads what the files of lib/ import and which globals they touch, from their syntax: comments and strings do not count.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const libFolder = fileURLToPath(new URL('../lib/', import.meta.url))

export interface Import {
  /** A file of lib/ such as `policy/path.ts`, a package, or a `node:` module. `<computed>` when it is not a literal. */
  readonly target: string
  readonly kind: 'file' | 'package' | 'node'
  /** Only types are taken, so nothing of it is loaded. */
  readonly typesOnly: boolean
  /** The names taken; empty for a namespace or a dynamic import. */
  readonly names: readonly string[]
}

export interface SourceFile {
  /** Relative to lib/, with `/`. */
  readonly path: string
  readonly imports: readonly Import[]
  /** Members of globals that the file uses, such as `process.platform`. */
  readonly globals: ReadonlySet<string>
  /** Everything in it is an import or a re-export. */
  readonly reExportsOnly: boolean
}

export function readSourceFiles(): SourceFile[] {
  return readdirSync(libFolder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => read(name.split(path.sep).join('/')))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

function read(name: string): SourceFile {
  const text = readFileSync(path.join(libFolder, name), 'utf8')
  const parsed = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
  const imports: Import[] = []
  const globals = new Set<string>()
  const walk = (node: ts.Node): void => {
    const found = importOf(node)
    if (found !== null) imports.push(toImport(name, found))
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      globals.add(`${node.expression.text}.${node.name.text}`)
    }
    if (ts.isElementAccessExpression(node) && ts.isIdentifier(node.expression)) globals.add(`${node.expression.text}.*`)
    if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) globals.add(`${node.expression.text}.new`)
    ts.forEachChild(node, walk)
  }
  walk(parsed)
  return { path: name, imports, globals, reExportsOnly: parsed.statements.every(isReExport) }
}

const isReExport = (statement: ts.Statement) =>
  ts.isImportDeclaration(statement) || (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined)

interface Found {
  readonly specifier: string
  readonly typesOnly: boolean
  readonly names: readonly string[]
}

function importOf(node: ts.Node): Found | null {
  if (ts.isImportDeclaration(node)) {
    const clause = node.importClause
    const named = clause?.namedBindings
    const elements = named !== undefined && ts.isNamedImports(named) ? named.elements : []
    const allTypes = clause?.name === undefined && elements.length > 0 && elements.every(element => element.isTypeOnly)
    return {
      specifier: textOf(node.moduleSpecifier),
      typesOnly: clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || allTypes,
      names: elements.map(element => (element.propertyName ?? element.name).text),
    }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const elements =
      node.exportClause !== undefined && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : []
    return {
      specifier: textOf(node.moduleSpecifier),
      typesOnly: node.isTypeOnly || (elements.length > 0 && elements.every(element => element.isTypeOnly)),
      names: elements.map(element => (element.propertyName ?? element.name).text),
    }
  }
  if (ts.isImportTypeNode(node)) {
    return {
      specifier: ts.isLiteralTypeNode(node.argument) ? textOf(node.argument.literal) : '<computed>',
      typesOnly: true,
      names: [],
    }
  }
  if (!ts.isCallExpression(node)) return null
  const { expression } = node
  const loads =
    expression.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(expression) && expression.text === 'require') ||
    (ts.isCallExpression(expression) &&
      ts.isIdentifier(expression.expression) &&
      expression.expression.text === 'createRequire')
  return loads ? { specifier: textOf(node.arguments[0]), typesOnly: false, names: [] } : null
}

function textOf(node: ts.Node | undefined): string {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : '<computed>'
}

function toImport(from: string, { specifier, typesOnly, names }: Found): Import {
  if (specifier.startsWith('.')) {
    return { kind: 'file', target: path.posix.join(path.posix.dirname(from), specifier), typesOnly, names }
  }
  return { kind: specifier.startsWith('node:') ? 'node' : 'package', target: specifier, typesOnly, names }
}
