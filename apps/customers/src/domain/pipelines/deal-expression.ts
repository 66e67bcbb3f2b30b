import { ScalarType, type DescField } from '@bufbuild/protobuf';
import { Environment, type ASTNode, type ParseError } from '@marcbachmann/cel-js';
import { JsonCodec, type RecordField } from '@rapport/contracts';
import type { CustomFieldType } from '@rapport/contracts/filters';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { LRUCache } from 'lru-cache';
import { recordContract } from '../../engine/values/contract.js';

/**
 * Conditions about deals in CEL, https://github.com/google/cel-spec.
 *
 * The time of an evaluation is bounded by what can be saved: few parts, no loop in a loop, and no function whose result
 * can be longer than the sum of its arguments, or whose time grows faster than they do, such as regular expressions.
 */

/** The live definition of a custom field of deals. */
export interface DealField {
  key: string;
  type: CustomFieldType;
}

/** Why an expression can not be saved. */
export interface ExpressionFault {
  reason: 'BAD_EXPRESSION' | 'EXPRESSION_TOO_LARGE';
  description: string;
}

const timestampType = 'google.protobuf.Timestamp';
const moneyType = 'rapport.api.v1.Money';

const limits = { maxAstNodes: 200, maxDepth: 24, maxListElements: 50, maxMapEntries: 10, maxCallArguments: 4 };

const loops: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter']);

const functions: ReadonlySet<string> = new Set([
  ...loops,
  ...['has', 'size', 'startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii', 'trim'],
  ...['int', 'double', 'string', 'bool', 'timestamp', 'duration'],
  ...['getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear'],
  ...['getHours', 'getMinutes', 'getSeconds'],
]);

const { fields, message } = recordContract('rapport/Deal');
const codec = JsonCodec.of(message, new Map());

/** Checks an expression against the fields of the contract and of the tenant. */
export function expressionFault(expression: string, definitions: readonly DealField[]): ExpressionFault | undefined {
  const { valid, type, error } = checker(definitions).check(expression);
  if (!valid && (error as ParseError | undefined)?.code === 'limit_exceeded') return tooLarge;
  if (!valid) return bad(error?.message.split('\n')[0] ?? 'is not valid');
  if (type !== 'bool') return bad(`has the type ${type}, not bool`);
  return callFault(evaluator.parse(expression).ast);
}

/** Whether a deal meets a saved expression. One that can't be evaluated, such as about an absent field, is not met. */
export function isMet(expression: string, deal: Deal, now: Date): boolean {
  try {
    return compiled(expression)({ deal: valueOf(codec.toJson({ ...deal }), fields), now }) === true;
  } catch (error) {
    if (error instanceof Error && celErrors.has(error.name)) return false;
    throw error;
  }
}

/** The names of its errors that mean that an expression has no value. Their message can have values of the deal. */
const celErrors: ReadonlySet<string> = new Set(['EvaluationError', 'ParseError', 'TypeError']);

const tooLarge: ExpressionFault = {
  reason: 'EXPRESSION_TOO_LARGE',
  description: `must have at most ${limits.maxAstNodes} parts, and no loop in a loop`,
};

function bad(description: string): ExpressionFault {
  return { reason: 'BAD_EXPRESSION', description: `must be a condition: ${description}` };
}

/** Refuses functions that are not allowed, and loops in loops. */
function callFault(root: ASTNode): ExpressionFault | undefined {
  const open = [{ node: root, isInLoop: false }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, isInLoop } = next;
    const name = node.op === 'call' || node.op === 'rcall' ? node.args[0] : undefined;
    if (name !== undefined && !functions.has(name)) return bad(`${name} is not supported`);
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

function childrenOf({ args }: ASTNode): ASTNode[] {
  const parts: unknown[] = Array.isArray(args) ? args : [args];
  return parts.flat(2).filter((part): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part);
}

const evaluations = new LRUCache<string, ReturnType<Environment['parse']>>({ max: 1_000 });

function compiled(expression: string): ReturnType<Environment['parse']> {
  const known = evaluations.get(expression) ?? evaluator.parse(expression);
  evaluations.set(expression, known);
  return known;
}

/** Values have the types that the check has found: declaring them again would need the definitions at each move. */
const evaluator = new Environment({ unlistedVariablesAreDyn: false, limits })
  .registerVariable('deal', 'map<string, dyn>')
  .registerVariable('now', timestampType);

function checker(definitions: readonly DealField[]): Environment {
  const types = new Environment({ unlistedVariablesAreDyn: false, limits });
  const declared = new Set<string>();
  const custom = Object.fromEntries(definitions.map(({ key, type }) => [key, customType(type)]));
  const own = fields.flatMap((field) => {
    const type = field.name === 'customFields' ? 'CustomFields' : typeOf(field);
    return type === undefined ? [] : [[field.name, type] as const];
  });
  for (const { desc, parts } of fields) {
    const name = desc.message?.typeName;
    if (name === undefined || parts.length === 0 || declared.has(name)) continue;
    declared.add(name);
    const typed = parts.flatMap((part) => {
      const type = part.parts.length > 0 ? undefined : typeOf(part);
      return type === undefined ? [] : [[part.name, type] as const];
    });
    types.registerType(name, { ctor: newClass(), fields: Object.fromEntries(typed) });
  }
  if (!declared.has(moneyType)) types.registerType(moneyType, { ctor: newClass(), fields: money });
  types.registerType('CustomFields', { ctor: newClass(), fields: custom });
  types.registerType('Deal', { ctor: newClass(), fields: Object.fromEntries(own) });
  return types.registerVariable('deal', 'Deal').registerVariable('now', timestampType);
}

/** The library wants a class of its own for each type. */
function newClass() {
  return class {};
}

const money = { currencyCode: 'string', amount: 'string' };

/** The CEL type of a field in JSON; undefined for one that expressions do not have. */
function typeOf({ desc, parts }: RecordField): string | undefined {
  const type = itemType(desc, parts);
  return type !== undefined && desc.fieldKind === 'list' ? `list<${type}>` : type;
}

function itemType({ message: of, enum: names, scalar }: DescField, parts: readonly RecordField[]): string | undefined {
  if (of?.typeName === timestampType) return timestampType;
  if (of) return parts.length > 0 ? of.typeName : undefined;
  if (names) return 'string';
  switch (scalar) {
    case ScalarType.STRING:
      return 'string';
    case ScalarType.BOOL:
      return 'bool';
    case ScalarType.DOUBLE:
      return 'double';
    case ScalarType.INT32:
    case ScalarType.UINT32:
      return 'int';
    default:
      return undefined;
  }
}

function customType(type: CustomFieldType): string {
  switch (type) {
    case 'NUMBER':
      return 'double';
    case 'BOOLEAN':
      return 'bool';
    case 'MULTI_SELECT':
      return 'list<string>';
    case 'MONEY':
      return moneyType;
    default:
      return 'string';
  }
}

/** A message in JSON with the values of CEL; without absent fields. */
function valueOf(json: Record<string, unknown>, known: readonly RecordField[]): Record<string, unknown> {
  const present = known.filter(({ name }) => json[name] !== undefined);
  return Object.fromEntries(present.map((field) => [field.name, celValue(json[field.name], field)]));
}

function celValue(value: unknown, { desc, parts }: RecordField): unknown {
  const one = (item: unknown): unknown => {
    if (desc.message?.typeName === timestampType) return new Date(item as string);
    if (parts.length > 0) return valueOf(item as Record<string, unknown>, parts);
    return desc.scalar === ScalarType.INT32 || desc.scalar === ScalarType.UINT32 ? BigInt(item as number) : item;
  };
  return Array.isArray(value) ? value.map(one) : one(value);
}
