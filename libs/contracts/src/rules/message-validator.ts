import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { Contract } from '../descriptors/load-contract.js';
import { FieldBehavior } from '../gen/google/api/field_behavior.js';
import type { FieldRules } from '../gen/rapport/api/v1/options.js';
import { isFieldMask, isHttpBody, isStruct, isTimestamp, isUpdateMask } from '../descriptors/well-known.js';
import { dateTimeFormat, isStorableText, textFormat } from './formats.js';
import { lengthSentences } from './length-sentences.js';
import { NestingDepth } from './nesting-depth.js';
import { patternMismatch } from './pattern-phrases.js';
import { structViolation } from './struct-value.js';

type Message = Record<string, unknown>;
type Violation = Pick<FieldViolation, 'reason' | 'description'>;
type Check = (value: never) => Violation | undefined;

/** Most violations that are listed for one message. */
const maxViolations = 100;

/** Checks messages, as ts-proto decodes them, against the rules of their proto fields. */
export class MessageValidator {
  readonly #fields = new Map<string, FieldCheck[]>();

  readonly #nesting: NestingDepth;

  constructor(private readonly contract: Contract) {
    this.#nesting = new NestingDepth(contract);
  }

  /** @throws AppError INVALID_ARGUMENT with each wrong field */
  check(desc: DescMessage, message: unknown): void {
    const violations = this.violations(desc, message as object);
    if (violations.length > 0) throw invalidArgument(violations);
  }

  /** The violations of a message, at most 100. */
  violations(desc: DescMessage, message: object): FieldViolation[] {
    const tooDeep = this.#nesting.violation(desc, message);
    if (tooDeep) return [tooDeep];
    const found: FieldViolation[] = [];
    this.#checkMessage(desc, message as Message, '', false, found);
    return found.slice(0, maxViolations);
  }

  #checkMessage(desc: DescMessage, message: Message, prefix: string, partial: boolean, found: FieldViolation[]): void {
    for (const field of this.#compile(desc)) {
      this.#checkField(field, message[field.name], prefix + field.name, partial, found);
    }
  }

  #checkField(field: FieldCheck, value: unknown, path: string, partial: boolean, found: FieldViolation[]): void {
    const violation = partial && value === undefined ? undefined : field.whole(value, partial);
    if (violation) found.push({ field: path, ...violation });
    else if (value === undefined || (value === '' && field.emptyIsAbsent)) return;
    else if (!Array.isArray(value)) this.#checkValue(field, value, path, found);
    else for (const [index, item] of value.entries()) this.#checkValue(field, item, `${path}[${index}]`, found);
  }

  #checkValue(field: FieldCheck, value: unknown, path: string, found: FieldViolation[]): void {
    if (found.length >= maxViolations) return;
    if (field.message) return this.#checkMessage(field.message, value as Message, `${path}.`, field.partial, found);
    const violation = field.value(value as never);
    if (violation) found.push({ field: path, ...violation });
  }

  #compile(desc: DescMessage): FieldCheck[] {
    let fields = this.#fields.get(desc.typeName);
    if (!fields) {
      fields = desc.fields.filter(isChecked).map((field) => compileField(this.contract, field));
      this.#fields.set(desc.typeName, fields);
    }
    return fields;
  }
}

interface FieldCheck {
  /** JSON name, which is also ts-proto's. */
  name: string;
  /** True when the empty text means no value. */
  emptyIsAbsent: boolean;
  /** True when the value is the resource of an update, of which only the fields in the mask count. */
  partial: boolean;
  /** Checks presence and number of items. */
  whole: (value: unknown, partial: boolean) => Violation | undefined;
  /** Checks one value or item. */
  value: Check;
  /** The type of the value when it is a message with rules of its own. */
  message: DescMessage | undefined;
}

/** ts-proto has a special type for field masks. */
function isChecked({ message }: DescField): boolean {
  return !isFieldMask(message);
}

function hasExplicitPresence(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.EXPLICIT;
}

function compileField(contract: Contract, field: DescField): FieldCheck {
  const rules = contract.rules(field);
  const outputOnly = contract.is(field, FieldBehavior.OUTPUT_ONLY);
  const required = contract.is(field, FieldBehavior.REQUIRED) && !outputOnly;
  return {
    name: field.jsonName,
    emptyIsAbsent: !hasExplicitPresence(field),
    partial: field.message !== undefined && field.parent.fields.some(isUpdateMask),
    whole: field.fieldKind === 'list' ? itemCount(rules) : required ? presence(field) : () => undefined,
    value: outputOnly || rules.checkedByHandler ? () => undefined : valueCheck(field, rules),
    message: outputOnly || rules.checkedByHandler || hasOwnCheck(field.message) ? undefined : field.message,
  };
}

/** Messages that are checked as one value. */
function hasOwnCheck(message: DescMessage | undefined): boolean {
  return isTimestamp(message) || isStruct(message) || isHttpBody(message);
}

function presence(field: DescField): FieldCheck['whole'] {
  // A field with explicit presence may be set to 0.
  const zeroIsAbsent = !hasExplicitPresence(field) || field.enum !== undefined;
  return (value, partial) => {
    const absent = value === undefined || value === '' || (value === 0 && zeroIsAbsent);
    return absent && !partial ? { reason: 'REQUIRED', description: 'is required.' } : undefined;
  };
}

function itemCount({ minItems, maxItems }: FieldRules): FieldCheck['whole'] {
  return (value, partial) => {
    const { length } = value as unknown[];
    // A list outside the mask is empty.
    if (partial && length === 0) return undefined;
    if (minItems !== undefined && length < minItems) {
      return { reason: 'TOO_FEW_ITEMS', description: lengthSentences.minItems(minItems) };
    }
    if (maxItems !== undefined && length > maxItems) {
      return { reason: 'TOO_MANY_ITEMS', description: lengthSentences.maxItems(maxItems) };
    }
    return undefined;
  };
}

function valueCheck(field: DescField, rules: FieldRules): Check {
  if (isTimestamp(field.message)) return textCheck({ ...rules }, dateTimeFormat.test, dateTimeFormat.phrase);
  if (isStruct(field.message)) return structViolation;
  if (isHttpBody(field.message)) return sizeCheck(rules);
  if (field.enum) {
    const known = new Set(field.enum.values.map((value) => value.number));
    return (value: number) =>
      known.has(value) ? undefined : { reason: 'UNKNOWN_VALUE', description: 'is not one of the known values.' };
  }
  if (field.scalar === ScalarType.STRING || field.scalar === undefined) {
    const format = textFormat(rules.format);
    return textCheck(rules, format?.test, format?.phrase);
  }
  if (field.scalar === ScalarType.INT32 || field.scalar === ScalarType.UINT32) return numberCheck(rules);
  if (field.scalar === ScalarType.DOUBLE) {
    const inRange = numberCheck(rules);
    return (value: number) => finiteCheck(value) ?? inRange(value as never);
  }
  return () => undefined;
}

function textCheck(rules: FieldRules, test?: (text: string) => boolean, phrase?: string): Check {
  const { minLength = 0, maxLength = Infinity } = rules;
  const pattern = rules.pattern === '' ? undefined : new RegExp(rules.pattern, 'u');
  return (text: string) => {
    if (!isStorableText(text)) return { reason: 'BAD_CHARACTERS', description: 'has a NUL or a broken character.' };
    // A character has one or two UTF-16 units, so most texts are within the limits without being counted.
    const isWithin = Math.ceil(text.length / 2) >= minLength && text.length <= maxLength;
    const length = isWithin ? text.length : countCodePoints(text);
    if (length < minLength) return { reason: 'TOO_SHORT', description: lengthSentences.minLength(minLength) };
    if (length > maxLength) return { reason: 'TOO_LONG', description: lengthSentences.maxLength(maxLength) };
    if (pattern && !pattern.test(text)) return { reason: 'BAD_FORMAT', description: patternMismatch(rules.pattern) };
    if (test && !test(text)) return { reason: 'BAD_FORMAT', description: `must be ${phrase}.` };
    return undefined;
  };
}

function numberCheck({ minimum, maximum }: FieldRules): Check {
  return (value: number) => {
    if (minimum !== undefined && value < minimum) {
      return { reason: 'TOO_SMALL', description: `must be at least ${minimum}.` };
    }
    if (maximum !== undefined && value > maximum) {
      return { reason: 'TOO_LARGE', description: `must be at most ${maximum}.` };
    }
    return undefined;
  };
}

function sizeCheck({ maxBytes = Infinity }: FieldRules): Check {
  return ({ data }: { data: Uint8Array }) =>
    data.length > maxBytes ? { reason: 'TOO_LARGE', description: `must have at most ${maxBytes} bytes.` } : undefined;
}

/** JSON can't represent other numbers. */
function finiteCheck(value: number): Violation | undefined {
  return Number.isFinite(value) ? undefined : { reason: 'TOO_LARGE', description: 'must be a finite number.' };
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
