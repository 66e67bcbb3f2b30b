import type { ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import { timestampType, type CelType, type ObjectType } from './cel-types.js';
import { evaluator, limits, newEnvironment } from './environment.js';
import { decimalFault } from './exact-decimals.js';
import { childrenOf, fieldsRead, loops } from './syntax-tree.js';

/**
 * Checks expressions in CEL, https://github.com/google/cel-spec.
 *
 * What can be saved bounds the time of an evaluation, together with the values that it reads (`costOf`): few parts, no loop
 * in a loop, no regular expressions, and no function whose result can be longer than the sum of its arguments.
 */

/** Why an expression can not be saved. */
export interface ExpressionFault {
  reason: 'BAD_EXPRESSION' | 'EXPRESSION_TOO_LARGE';
  description: string;
}

/** The types that CEL has for each result that an expression can have to have. */
const celTypes = {
  /** For conditions. */
  bool: ['bool'],
  list: ['list'],
  string: ['string'],
  number: ['int', 'double', 'uint'],
  /** A time, or its text. */
  time: [timestampType, 'string'],
  any: undefined,
} as const;

/** The required type of the result of an expression. */
export type ExpressionResult = keyof typeof celTypes;

/** What an expression can read, and what it has to be. Keep the variables: their types are prepared once for each object. */
export interface ExpressionForm {
  variables: Readonly<Record<string, CelType>>;
  /** Defaults to `any`. */
  result?: ExpressionResult;
  /** Whether it may be null. */
  isNullable?: boolean;
}

const functions: ReadonlySet<string> = new Set([
  ...loops,
  ...['has', 'size', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii', 'trim'],
  ...['int', 'double', 'decimal', 'string', 'bool', 'timestamp', 'duration'],
  ...['getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear'],
  ...['getHours', 'getMinutes', 'getSeconds'],
]);

/** @returns undefined for a valid expression */
export function checkExpression(
  text: string,
  { variables, result = 'any', isNullable = false }: ExpressionForm,
): ExpressionFault | undefined {
  const { valid, type, error } = checkerOf(variables).check(text);
  if (!valid && (error as ParseError | undefined)?.code === 'limit_exceeded') return tooLarge;
  if (!valid) return bad(result, error?.message.split('\n')[0] ?? 'is not valid');
  const isFit = isOf(result, type ?? 'dyn') || (isNullable && type === 'null');
  if (!isFit) return bad(result, `has the type ${type}, not ${result}`);
  return callFault(evaluator.parse(text).ast, result);
}

/** The fields of a variable that a valid expression reads; `*` for all, when it does not read them by their names. */
export function fieldsReadBy(text: string, variable: string): string[] {
  return fieldsRead(evaluator.parse(text).ast, variable);
}

function isOf(result: ExpressionResult, type: string): boolean {
  const accepted: readonly string[] | undefined = celTypes[result];
  if (!accepted) return type !== 'type';
  return type === 'dyn' || accepted.includes(type.split('<', 1)[0] ?? '');
}

const tooLarge: ExpressionFault = {
  reason: 'EXPRESSION_TOO_LARGE',
  description: `must have at most ${limits.maxAstNodes} parts, and no loop in a loop`,
};

function bad(result: ExpressionResult, description: string): ExpressionFault {
  const noun = result === 'bool' ? 'a condition' : 'an expression in CEL';
  return { reason: 'BAD_EXPRESSION', description: `must be ${noun}: ${description}` };
}

/** Refuses functions that are not allowed, texts that are no numbers, and loops in loops. */
function callFault(root: ASTNode, result: ExpressionResult): ExpressionFault | undefined {
  const open = [{ node: root, isInLoop: false }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, isInLoop } = next;
    const name = node.op === 'call' || node.op === 'rcall' ? node.args[0] : undefined;
    if (name !== undefined && !functions.has(name)) return bad(result, `${name} is not supported`);
    const fault = decimalFault(node);
    if (fault !== undefined) return bad(result, fault);
    const isLoop = name !== undefined && loops.has(name);
    if (isLoop && isInLoop) return tooLarge;
    for (const child of childrenOf(node)) {
      // The list of a loop is evaluated once, before it.
      const isList = isLoop && node.op === 'rcall' && child === node.args[1];
      open.push({ node: child, isInLoop: isInLoop || (isLoop && !isList) });
    }
  }
  return undefined;
}

const checkers = new WeakMap<ExpressionForm['variables'], Environment>();

function checkerOf(variables: ExpressionForm['variables']): Environment {
  const known = checkers.get(variables);
  if (known) return known;
  const checker = newEnvironment(false);
  const declared = new Set<string>();
  for (const [name, type] of Object.entries(variables))
    checker.registerVariable(name, declare(checker, type, declared));
  checkers.set(variables, checker);
  return checker;
}

/** Declares an object type, and those within it before. @returns the name of the type */
function declare(checker: Environment, type: CelType, declared: Set<string>): string {
  if (typeof type === 'string') return type;
  declareObject(checker, type, declared);
  return type.isList ? `list<${type.name}>` : type.name;
}

function declareObject(checker: Environment, { name, fields }: ObjectType, declared: Set<string>): void {
  if (declared.has(name) || name === timestampType) return;
  declared.add(name);
  const typed = Object.entries(fields).map(([field, type]) => [field, declare(checker, type, declared)]);
  checker.registerType(name, { ctor: newClass(), fields: Object.fromEntries(typed) as Record<string, string> });
}

/** The library wants a class of its own for each type. */
function newClass() {
  return class {};
}
