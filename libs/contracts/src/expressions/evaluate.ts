import type { Environment } from '@marcbachmann/cel-js';
import { formatDecimal } from '@rapport/money';
import { LRUCache } from 'lru-cache';
import { evaluator } from './environment.js';
import { costOf, type EvaluationCost } from './evaluation-cost.js';
import { ExactDecimal } from './exact-decimals.js';

/** An expression has no value, such as one about an absent field, or none that JSON can hold. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

/**
 * The value of a saved expression, in JSON: times are texts of RFC 3339, decimal numbers texts.
 *
 * @param values of the variables, as `celValues` makes them
 * @throws ExpressionError. Its message can contain values, such as the key of a map
 */
export function evaluate(text: string, values: Readonly<Record<string, unknown>>): unknown {
  return jsonValue(resultOf(text, values));
}

/** Whether a saved condition is met. One that has no value is not. */
export function isTrue(text: string, values: Readonly<Record<string, unknown>>): boolean {
  try {
    return resultOf(text, values) === true;
  } catch (error) {
    if (error instanceof ExpressionError) return false;
    throw error;
  }
}

/** The names of the library's errors that mean that an expression has no value. */
const celErrors: ReadonlySet<string> = new Set(['EvaluationError', 'ParseError', 'TypeError']);

/** A tenth of a second at most, in which the process does nothing else. */
const maxSteps = 20_000_000;

function resultOf(text: string, values: Readonly<Record<string, unknown>>): unknown {
  try {
    const { evaluateFor, cost } = compiled(text);
    if (cost && cost(values) > maxSteps) throw new ExpressionError('It would take too long with values of this size.');
    return evaluateFor(values);
  } catch (error) {
    if (!(error instanceof Error) || !celErrors.has(error.name)) throw error;
    throw new ExpressionError(error.message.split('\n')[0] ?? '', { cause: error });
  }
}

interface Compiled {
  evaluateFor: ReturnType<Environment['parse']>;
  cost: EvaluationCost | undefined;
}

const evaluations = new LRUCache<string, Compiled>({ max: 5_000 });

function compiled(text: string): Compiled {
  const known = evaluations.get(text) ?? newlyCompiled(text);
  evaluations.set(text, known);
  return known;
}

/** The tree of the cost is one of its own: evaluating changes a tree. */
function newlyCompiled(text: string): Compiled {
  return { evaluateFor: evaluator.parse(text), cost: costOf(evaluator.parse(text).ast) };
}

function jsonValue(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return safeNumber(value);
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new ExpressionError('The value is not a finite number.');
    case 'object':
      return value === null ? null : jsonObject(value);
    default:
      return value;
  }
}

function jsonObject(value: object): unknown {
  if (Array.isArray(value)) return value.map(jsonValue);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, jsonValue(part)]));
  }
  if (value instanceof ExactDecimal) return formatDecimal(value);
  if (isDuration(value)) return durationText(value);
  if (isUnsigned(value)) return safeNumber(value.value);
  throw new ExpressionError('The value is not one that JSON can hold.');
}

function safeNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new ExpressionError('The number is too large for JSON.');
}

/** The library does not export the classes of these values. */
function isDuration(value: object): value is { seconds: bigint; nanos: number } {
  return value.constructor.name === 'Duration';
}

function isUnsigned(value: object): value is { value: bigint } {
  return value.constructor.name === 'UnsignedInt';
}

/** A duration in JSON, such as `1.500000000s`. */
function durationText({ seconds, nanos }: { seconds: bigint; nanos: number }): string {
  const fraction = nanos === 0 ? '' : `.${String(Math.abs(nanos)).padStart(9, '0')}`;
  const sign = seconds < 0n || nanos < 0 ? '-' : '';
  return `${sign}${seconds < 0n ? -seconds : seconds}${fraction}s`;
}
