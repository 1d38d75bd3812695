/**
 * The small mistakes that are put into the sources, one at a time, to see whether a test notices.
 *
 * - `condition`: what is tested is taken to hold, or not to.
 * - `clause`: one side of `&&` or `||` no longer counts.
 * - `boundary`: `<` for `<=` and the like. `comparison`: its opposite, where the result is kept.
 * - `fallback`: of `a ?? b` only the one or only the other.
 * - `arithmetic`: `-` for `+` and the like.
 * - `number`, `string`, `boolean`, `list`: another constant.
 * - `call`: a method that is easily confused, or none.
 * - `result`: nothing is returned.
 * - `statement`: an effect is left out.
 *
 * Text with a space in it is prose for people, which no test should repeat, and is left as it is. A
 * mistake that another one implies is left out: who notices a clause left out notices `||` for `&&`.
 */
import ts from 'typescript'

export interface Alternative {
  readonly operator: string
  /** What stands in place of the node; undefined when a statement is left out. */
  readonly replacement: string | undefined
}

type Operator = (node: ts.Node) => readonly Alternative[]

const { SyntaxKind: Kind } = ts

const boundaries = new Map<ts.SyntaxKind, string>([
  [Kind.LessThanToken, '<='],
  [Kind.LessThanEqualsToken, '<'],
  [Kind.GreaterThanToken, '>='],
  [Kind.GreaterThanEqualsToken, '>'],
])

const opposites = new Map<ts.SyntaxKind, string>([
  [Kind.EqualsEqualsEqualsToken, '!=='],
  [Kind.ExclamationEqualsEqualsToken, '==='],
])

const confused = new Map<ts.SyntaxKind, string>([
  [Kind.PlusToken, '-'],
  [Kind.MinusToken, '+'],
  [Kind.AsteriskToken, '/'],
  [Kind.SlashToken, '*'],
  [Kind.PercentToken, '*'],
  [Kind.AsteriskAsteriskToken, '*'],
  [Kind.AmpersandToken, '|'],
  [Kind.BarToken, '&'],
  [Kind.CaretToken, '&'],
  [Kind.LessThanLessThanToken, '>>'],
  [Kind.GreaterThanGreaterThanToken, '<<'],
  [Kind.GreaterThanGreaterThanGreaterThanToken, '<<'],
  [Kind.PlusEqualsToken, '-='],
  [Kind.MinusEqualsToken, '+='],
  [Kind.AsteriskEqualsToken, '/='],
  [Kind.QuestionQuestionEqualsToken, '='],
])

const mistakenMethods: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  padStart: 'padEnd',
  indexOf: 'lastIndexOf',
  lastIndexOf: 'indexOf',
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  push: 'unshift',
  unshift: 'push',
}

/** Whose receiver can stand for the result. */
const omittedMethods = new Set([
  'filter',
  'slice',
  'sort',
  'reverse',
  'trim',
  'trimEnd',
  'toLowerCase',
])

const isLogical = (node: ts.Node): node is ts.BinaryExpression =>
  ts.isBinaryExpression(node) &&
  (node.operatorToken.kind === Kind.AmpersandAmpersandToken ||
    node.operatorToken.kind === Kind.BarBarToken)

const isComparison = (node: ts.Node): node is ts.BinaryExpression =>
  ts.isBinaryExpression(node) &&
  (boundaries.has(node.operatorToken.kind) || opposites.has(node.operatorToken.kind))

const isNegation = (node: ts.Node): node is ts.PrefixUnaryExpression =>
  ts.isPrefixUnaryExpression(node) && node.operator === Kind.ExclamationToken

const isBooleanLiteral = (node: ts.Node): boolean =>
  node.kind === Kind.TrueKeyword || node.kind === Kind.FalseKeyword

/** The outermost expression that only parentheses and clauses separate from `node`. */
function wholeOf(node: ts.Node): ts.Node {
  let whole = node
  while (ts.isParenthesizedExpression(whole.parent) || isLogical(whole.parent)) whole = whole.parent
  return whole
}

const isLoop = (node: ts.Node): boolean =>
  ts.isWhileStatement(node) || ts.isDoStatement(node) || ts.isForStatement(node)

function isTested(node: ts.Node): boolean {
  const { parent } = node
  if (ts.isIfStatement(parent) || ts.isWhileStatement(parent) || ts.isDoStatement(parent)) {
    return parent.expression === node
  }
  if (ts.isConditionalExpression(parent) || ts.isForStatement(parent))
    return parent.condition === node
  const isReturned =
    ts.isReturnStatement(parent) || (ts.isArrowFunction(parent) && parent.body === node)
  return isReturned && (isComparison(node) || isNegation(node) || isLogical(node))
}

const textOf = (node: ts.Node): string => node.getText()

const condition: Operator = (node) => {
  if (!isTested(node) || isBooleanLiteral(node)) return []
  const always = { operator: 'condition', replacement: 'true' }
  const never = { operator: 'condition', replacement: 'false' }
  // A loop that never ends is found by its time, which is dear, and says little.
  return isLoop(node.parent) ? [never] : [always, never]
}

const clause: Operator = (node) => {
  if (!isLogical(node.parent) || isLogical(node) || !ts.isExpression(node)) return []
  const isAnd = node.parent.operatorToken.kind === Kind.AmpersandAmpersandToken
  return [{ operator: 'clause', replacement: isAnd ? 'true' : 'false' }]
}

const comparison: Operator = (node) => {
  if (!isComparison(node)) return []
  const { left, operatorToken, right } = node
  const boundary = boundaries.get(operatorToken.kind)
  if (boundary !== undefined) {
    const replacement = `${textOf(left)} ${boundary} ${textOf(right)}`
    return [{ operator: 'boundary', replacement }]
  }
  const whole = wholeOf(node)
  const opposite = opposites.get(operatorToken.kind)
  if (whole !== node || isTested(whole) || opposite === undefined) return []
  return [{ operator: 'comparison', replacement: `${textOf(left)} ${opposite} ${textOf(right)}` }]
}

const negation: Operator = (node) => {
  if (!isNegation(node)) return []
  const whole = wholeOf(node)
  if (whole !== node || isTested(whole)) return []
  return [{ operator: 'comparison', replacement: textOf(node.operand) }]
}

const fallback: Operator = (node) => {
  if (!ts.isBinaryExpression(node)) return []
  if (node.operatorToken.kind !== Kind.QuestionQuestionToken) return []
  const sides = [node.left, node.right].map(textOf)
  return sides.map((replacement) => ({ operator: 'fallback', replacement }))
}

const isText = (node: ts.Node): boolean =>
  ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)

const arithmetic: Operator = (node) => {
  if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
    const isRise = node.operator === Kind.PlusPlusToken
    if (!isRise && node.operator !== Kind.MinusMinusToken) return []
    if (ts.isForStatement(node.parent)) return []
    const replacement = `${textOf(node.operand)} ${isRise ? '-= 1' : '+= 1'}`
    return [{ operator: 'arithmetic', replacement }]
  }
  if (!ts.isBinaryExpression(node) || isText(node.left) || isText(node.right)) return []
  const other = confused.get(node.operatorToken.kind)
  if (other === undefined) return []
  const replacement = `${textOf(node.left)} ${other} ${textOf(node.right)}`
  return [{ operator: 'arithmetic', replacement }]
}

const number: Operator = (node) => {
  if (!ts.isNumericLiteral(node)) return []
  const value = Number(node.text)
  const near = value === 0 ? [1] : [value + 1, value - 1]
  return near.map((replacement) => ({ operator: 'number', replacement: String(replacement) }))
}

const string: Operator = (node) => {
  if (!isText(node) || /\s/.test(textOf(node))) return []
  if (ts.isTaggedTemplateExpression(node.parent)) return []
  const isEmpty = ts.isStringLiteralLike(node) && node.text === ''
  return [{ operator: 'string', replacement: isEmpty ? "'other'" : "''" }]
}

const boolean: Operator = (node) => {
  if (!isBooleanLiteral(node)) return []
  return [{ operator: 'boolean', replacement: node.kind === Kind.TrueKeyword ? 'false' : 'true' }]
}

const list: Operator = (node) => {
  if (!ts.isArrayLiteralExpression(node) || node.elements.length === 0) return []
  return [{ operator: 'list', replacement: '[]' }]
}

const call: Operator = (node) => {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return []
  const { expression: receiver, name } = node.expression
  if (omittedMethods.has(name.text)) return [{ operator: 'call', replacement: textOf(receiver) }]
  const mistaken = Object.hasOwn(mistakenMethods, name.text)
    ? mistakenMethods[name.text]
    : undefined
  if (mistaken === undefined) return []
  const rest = node.getSourceFile().text.slice(name.end, node.end)
  const start = node.getSourceFile().text.slice(node.getStart(), name.getStart())
  return [{ operator: 'call', replacement: `${start}${mistaken}${rest}` }]
}

const result: Operator = (node) => {
  const { parent } = node
  const isReturned =
    ts.isReturnStatement(parent) || (ts.isArrowFunction(parent) && parent.body === node)
  if (!isReturned || !ts.isExpression(node) || isBooleanLiteral(node) || isTested(node)) return []
  if (ts.isIdentifier(node) && node.text === 'undefined') return []
  return [{ operator: 'result', replacement: 'undefined' }]
}

const statement: Operator = (node) => {
  const isLastThrow = ts.isThrowStatement(node) && !ts.isIfStatement(node.parent)
  if (!ts.isExpressionStatement(node) && !isLastThrow) return []
  const isSuper =
    ts.isExpressionStatement(node) &&
    ts.isCallExpression(node.expression) &&
    node.expression.expression.kind === Kind.SuperKeyword
  return isSuper ? [] : [{ operator: 'statement', replacement: undefined }]
}

export const operators: readonly Operator[] = [
  condition,
  clause,
  comparison,
  negation,
  fallback,
  arithmetic,
  number,
  string,
  boolean,
  list,
  call,
  result,
  statement,
]
