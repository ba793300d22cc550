/**
 * Wrong programs, one small change each: a comparison or a decision is turned round, a condition never holds, a part of a list is
 * left out, a number is off by one. Texts for people are not changed.
 */
import ts from 'typescript'

const turnedOperators = new Map([
  [ts.SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [ts.SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [ts.SyntaxKind.AmpersandAmpersandToken, '||'],
  [ts.SyntaxKind.BarBarToken, '&&'],
  [ts.SyntaxKind.LessThanToken, '>='],
  [ts.SyntaxKind.GreaterThanToken, '<='],
  [ts.SyntaxKind.LessThanEqualsToken, '>'],
  [ts.SyntaxKind.GreaterThanEqualsToken, '<'],
  [ts.SyntaxKind.AmpersandToken, '|'],
  [ts.SyntaxKind.BarToken, '&'],
])

const turnedMethods = new Map([
  ['some', 'every'],
  ['every', 'some'],
])

/** The changes at one node: a range of the text, and what stands there instead. */
function* changesAt(node, text) {
  const whole = one => [one.getStart(), one.getEnd()]
  if (ts.isBinaryExpression(node) && turnedOperators.has(node.operatorToken.kind)) {
    yield [...whole(node.operatorToken), turnedOperators.get(node.operatorToken.kind)]
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
    yield [...whole(node), node.operand.getText()]
  }
  if (node.kind === ts.SyntaxKind.TrueKeyword) yield [...whole(node), 'false']
  if (node.kind === ts.SyntaxKind.FalseKeyword) yield [...whole(node), 'true']
  if (ts.isNumericLiteral(node)) yield [...whole(node), `(${node.getText()} + 1)`]
  if (ts.isConditionalExpression(node)) {
    yield [
      node.whenTrue.getStart(),
      node.whenFalse.getEnd(),
      `${node.whenFalse.getText()} : ${node.whenTrue.getText()}`,
    ]
  }
  if (ts.isIfStatement(node)) yield [...whole(node.expression), 'false']
  if (ts.isArrayLiteralExpression(node)) yield* shorterLists(node, text)
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) yield* otherCalls(node)
}

function* shorterLists({ elements }, text) {
  for (const [index, element] of elements.entries()) {
    const next = elements[index + 1]
    const end = next === undefined ? element.getEnd() : next.getStart()
    // The comma before the last one may stay.
    if (text.slice(element.getStart(), end).trim() !== '') yield [element.getStart(), end, '']
  }
}

function* otherCalls({ expression, arguments: given }) {
  const { name } = expression
  if (turnedMethods.has(name.text)) yield [name.getStart(), name.getEnd(), turnedMethods.get(name.text)]
  if (name.text === 'filter' && given.length === 1) yield [given[0].getStart(), given[0].getEnd(), '() => true']
}

/** `{ name, file, text }` for every change to the program. */
export function sourceMutants(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS)
  const mutants = []
  const visit = node => {
    for (const [start, end, instead] of changesAt(node, text)) {
      const { line } = source.getLineAndCharacterOfPosition(start)
      const before = text.slice(start, end).replaceAll(/\s+/g, ' ')
      const name = `${file}:${line + 1}: ${before} -> ${instead.replaceAll(/\s+/g, ' ') || 'nothing'}`
      mutants.push({ name, file, text: text.slice(0, start) + instead + text.slice(end) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return mutants
}
