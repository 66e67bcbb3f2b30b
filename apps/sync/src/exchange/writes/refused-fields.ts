import type { FieldViolation } from '@rapport/platform';
import type { JsonValue, RecordIssue } from '../../connectors/peer-record.js';
import type { FieldRule } from '../mappings/field-rule.js';
import { addressPart, placeOf } from '../mappings/lenses/address-parts.js';
import { isObject } from '../mappings/lenses/field-values.js';
import type { ExchangedType } from '../mappings/records/exchanged-types.js';

/** A field whose value a side refuses, by its name at the customer, and the reason. */
export interface RefusedField {
  field: string;
  /** Index of the refused item of a list. The other items are taken. */
  index?: number;
  issue: RecordIssue;
}

/**
 * The fields that violations of a customer name; undefined when a violation names anything else.
 *
 * @param sent values that customers has refused, by field
 * @param type of the customer, whose fields the violations name
 */
export function refusedByCustomers(
  rules: readonly FieldRule[],
  violations: readonly FieldViolation[],
  sent: Readonly<Record<string, JsonValue>>,
  { singular }: ExchangedType,
): RefusedField[] | undefined {
  const refused = violations.map(({ field: path, reason, description }) => {
    // An undefined field takes no value at all: every value waits until it is defined.
    if (reason === 'UNKNOWN_FIELD') return undefined;
    const name = path.startsWith(`${singular}.`) ? path.slice(singular.length + 1) : path;
    const rule =
      rules.find(({ customerField: field }) => [field, `${field}.`, `${field}[`].some((own) => begins(name, own))) ??
      rules.find(({ customerField }) => isPart(customerField, name, sent['addresses'])) ??
      rules.find(({ customerField }) => customerField.startsWith(`${name}.`));
    return rule && refusal(rule, `The ${singular}'s ${rule.customerField} ${description}`, refusedIndex(rule, name));
  });
  return all(refused);
}

/** The fields that issues of a record name; undefined when an issue names anything else. */
export function refusedByPeer(rules: readonly FieldRule[], issues: readonly RecordIssue[]): RefusedField[] | undefined {
  const refused = issues.map(({ field: path = '', message }) => {
    const [name = ''] = path.split('[');
    const rule = rules.find(({ peerField }) => peerField === name || peerField.startsWith(`${name}.`));
    if (name === '' || !rule) return undefined;
    // The result of an expression does not show which item it was.
    return refusal(rule, message, rule.toPeer === undefined ? itemIndex(name, path) : undefined);
  });
  return all(refused);
}

/** @param index of the refused item of a list */
export function refusal({ customerField, peerField }: FieldRule, message: string, index?: number): RefusedField {
  const field = index === undefined ? peerField : `${peerField}[${index}]`;
  return {
    field: customerField,
    ...(index !== undefined && { index }),
    issue: { reason: 'VALUE_UNFIT', message, field },
  };
}

/** Whether a path such as `addresses[1].city` is part of an address that was sent. */
function isPart(customerField: string, path: string, sent: JsonValue | undefined): boolean {
  const own = addressPart(customerField);
  const [, index, part] = /^addresses\[(\d+)\]\.(\w+)$/.exec(path) ?? [];
  if (!own || own.part !== part) return false;
  const addresses = Array.isArray(sent) ? sent.filter(isObject) : [];
  return placeOf(addresses, own.label) === Number(index);
}

/** A single value for a list has no item to name. */
function refusedIndex({ customerField, transform }: FieldRule, path: string): number | undefined {
  return transform === 'FIRST_OF_LIST' ? undefined : itemIndex(customerField, path);
}

/** The index in the list of a field that a path names, such as `emails[2].address`. */
function itemIndex(field: string, path: string): number | undefined {
  const index = path.startsWith(`${field}[`) ? /^\[(\d+)\]/.exec(path.slice(field.length))?.[1] : undefined;
  return index === undefined ? undefined : Number(index);
}

function begins(name: string, own: string): boolean {
  return name === own || (/[.[]$/.test(own) && name.startsWith(own));
}

function all(refused: (RefusedField | undefined)[]): RefusedField[] | undefined {
  const found = refused.flatMap((field) => field ?? []);
  return found.length > 0 && found.length === refused.length ? found : undefined;
}
