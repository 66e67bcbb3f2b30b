import { EvaluationError, type ASTNode, type Environment } from '@marcbachmann/cel-js';
import { formatDecimal, MoneyError, parseDecimal } from '@rapport/money';

/** A decimal number in an expression. The library wants a class for each type. */
export class ExactDecimal {
  constructor(
    /** The number is `units` × 10^-`places`. */
    readonly units: bigint,
    readonly places: number,
  ) {}
}

/**
 * Adds decimal numbers to expressions: amounts are texts, and a double has no exact value for most of them.
 * `decimal("0.1") + decimal("0.2") == decimal("0.3")`. A result has no more digits than its arguments together.
 */
export function withDecimals(environment: Environment): Environment {
  return environment
    .registerType('Decimal', { ctor: ExactDecimal, fields: {} })
    .registerFunction('decimal(string): Decimal', decimalOf)
    .registerFunction('string(Decimal): string', (number: ExactDecimal) => formatDecimal(number))
    .registerFunction('decimal(int): Decimal', (units: bigint) => new ExactDecimal(units, 0))
    .registerOperator('Decimal == Decimal', (one: ExactDecimal, other: ExactDecimal) => difference(one, other) === 0n)
    .registerOperator('Decimal < Decimal', (one: ExactDecimal, other: ExactDecimal) => difference(one, other) < 0n)
    .registerOperator('Decimal <= Decimal', (one: ExactDecimal, other: ExactDecimal) => difference(one, other) <= 0n)
    .registerOperator('Decimal > Decimal', (one: ExactDecimal, other: ExactDecimal) => difference(one, other) > 0n)
    .registerOperator('Decimal >= Decimal', (one: ExactDecimal, other: ExactDecimal) => difference(one, other) >= 0n)
    .registerOperator('Decimal + Decimal', (one: ExactDecimal, other: ExactDecimal) => added(one, other, 1n))
    .registerOperator('Decimal - Decimal', (one: ExactDecimal, other: ExactDecimal) => added(one, other, -1n))
    .registerOperator('Decimal * Decimal', multiplied);
}

/** Why a call of `decimal` never has a value: its text is no number. */
export function decimalFault({ op, args }: ASTNode): string | undefined {
  if (op !== 'call' || args[0] !== 'decimal') return undefined;
  const [argument] = args[1];
  if (argument?.op !== 'value' || typeof argument.args !== 'string') return undefined;
  return isDecimal(argument.args) ? undefined : `${JSON.stringify(argument.args)} is not a decimal number`;
}

function isDecimal(text: string): boolean {
  try {
    parseDecimal(text);
    return true;
  } catch (error) {
    if (error instanceof MoneyError) return false;
    throw error;
  }
}

function decimalOf(text: string): ExactDecimal {
  if (!isDecimal(text)) throw new EvaluationError('decimal() needs a decimal number');
  const { units, places } = parseDecimal(text);
  return new ExactDecimal(units, places);
}

function difference(one: ExactDecimal, other: ExactDecimal): bigint {
  return added(one, other, -1n).units;
}

function added(one: ExactDecimal, other: ExactDecimal, factor: bigint): ExactDecimal {
  const places = Math.max(one.places, other.places);
  const unitsOf = (number: ExactDecimal) => number.units * 10n ** BigInt(places - number.places);
  return new ExactDecimal(unitsOf(one) + factor * unitsOf(other), places);
}

function multiplied(one: ExactDecimal, other: ExactDecimal): ExactDecimal {
  return new ExactDecimal(one.units * other.units, one.places + other.places);
}
