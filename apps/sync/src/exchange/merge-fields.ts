import type { JsonValue } from '../connectors/peer-record.js';
import type { FieldRule, MergePolicy } from '../mappings/field-rule.js';
import { isObject } from '../mappings/field-values.js';

export type Side = 'CUSTOMER' | 'PEER';

/** The values of a pair's fields as both sides are compared, by the field of the customer; null for none. */
export type Views = Readonly<Record<string, JsonValue>>;

/** Fingerprints of what both sides had when they last agreed on a field. They differ where one side normalises. */
export interface FieldBase {
  customer: string;
  peer: string;
  /** Of what the items of a list are known by, where lists are united. */
  items?: string[];
}

export type Base = Readonly<Record<string, FieldBase>>;

export interface MergeRequest {
  rules: readonly FieldRule[];
  policy: MergePolicy;
  direction: 'BOTH' | 'TO_CUSTOMERS' | 'TO_PEER';
  base: Base;
  customer: Views;
  peer: Views;
  /** The side whose record was changed last, where that is known. */
  newest?: Side | undefined;
  /** What a person has chosen for whatever both have changed. */
  choice?: Side | undefined;
  fingerprint: (value: JsonValue) => string;
}

export interface Merged {
  /** What to write, by the field of the customer. */
  toCustomer: Map<string, JsonValue>;
  toPeer: Map<string, JsonValue>;
  /** Fields that a person has to decide. */
  conflicts: string[];
  /** The base once all is written. */
  base: Base;
}

/** Merges the fields of a pair three-way: each by itself, against what both had when they last agreed on it. */
export function mergeFields(request: MergeRequest): Merged {
  const merged = { toCustomer: new Map(), toPeer: new Map(), conflicts: [] as string[], base: { ...request.base } };
  for (const rule of request.rules) {
    const { customerField: field } = rule;
    const [customer, peer] = [request.customer[field] ?? null, request.peer[field] ?? null];
    const outcome = mergeField(request, rule, customer, peer);
    if (outcome === 'CONFLICT') {
      merged.conflicts.push(field);
      continue;
    }
    const { fingerprint } = request;
    const [toCustomer, toPeer] = [outcome.customer, outcome.peer].map(fingerprint) as [string, string];
    if (toCustomer !== fingerprint(customer)) merged.toCustomer.set(field, outcome.customer);
    if (toPeer !== fingerprint(peer)) merged.toPeer.set(field, outcome.peer);
    const isUnited = (rule.policy ?? request.policy) === 'UNION' && Array.isArray(outcome.customer ?? []);
    const items = isUnited ? { items: itemsOf(outcome.customer).map((item) => fingerprint(identity(item))) } : {};
    merged.base[field] = { customer: toCustomer, peer: toPeer, ...items };
  }
  return merged;
}

/** What both sides are to have. */
function mergeField(
  request: MergeRequest,
  rule: FieldRule,
  customer: JsonValue,
  peer: JsonValue,
): { customer: JsonValue; peer: JsonValue } | 'CONFLICT' {
  const { fingerprint, base } = request;
  const before = base[rule.customerField];
  const asTheyAre = { customer, peer };
  const isCustomerSame = before?.customer === fingerprint(customer);
  const isPeerSame = before?.peer === fingerprint(peer);
  if ((isCustomerSame && isPeerSame) || fingerprint(customer) === fingerprint(peer)) return asTheyAre;
  const winner =
    authority(request, rule) ?? onlyChanged(isCustomerSame, isPeerSame) ?? decided(request, rule, asTheyAre);
  if (winner === undefined) return 'CONFLICT';
  if (winner === 'BOTH') return both(united(asTheyAre, before?.items ?? [], fingerprint));
  const value = winner === 'CUSTOMER' ? customer : peer;
  return value === null && rule.onEmpty === 'KEEP' ? asTheyAre : both(value);
}

function both(value: JsonValue) {
  return { customer: value, peer: value };
}

/** The side that always decides. */
function authority({ direction }: MergeRequest, rule: FieldRule): Side | undefined {
  if (direction !== 'BOTH') return direction === 'TO_CUSTOMERS' ? 'PEER' : 'CUSTOMER';
  return rule.authority === 'BOTH' ? undefined : rule.authority;
}

function onlyChanged(isCustomerSame: boolean, isPeerSame: boolean): Side | undefined {
  if (isCustomerSame) return 'PEER';
  return isPeerSame ? 'CUSTOMER' : undefined;
}

/** Who wins when both have changed a field, or have never agreed on it. */
function decided(
  { policy, base, choice, newest }: MergeRequest,
  rule: FieldRule,
  { customer, peer }: { customer: JsonValue; peer: JsonValue },
): Side | 'BOTH' | undefined {
  if (choice) return choice;
  // Nobody has cleared what was never there.
  if (!base[rule.customerField] && (customer === null || peer === null)) return customer === null ? 'PEER' : 'CUSTOMER';
  const how = rule.policy ?? policy;
  switch (how) {
    case 'CUSTOMER':
    case 'PEER':
      return how;
    case 'NEWEST':
      return newest;
    case 'UNION':
      return isList(customer) && isList(peer) ? 'BOTH' : undefined;
    case 'MANUAL':
      return undefined;
    default:
      return how satisfies never;
  }
}

/** What either has added is there, what either has removed is not; what both have says what the customer's does. */
function united(
  { customer, peer }: { customer: JsonValue; peer: JsonValue },
  before: readonly string[],
  fingerprint: (value: JsonValue) => string,
): JsonValue {
  const known = (item: JsonValue) => fingerprint(identity(item));
  const [ofCustomer, ofPeer] = [itemsOf(customer), itemsOf(peer)];
  const [inCustomer, inPeer] = [new Set(ofCustomer.map(known)), new Set(ofPeer.map(known))];
  const kept = ofCustomer.filter((item) => inPeer.has(known(item)) || !before.includes(known(item)));
  const added = ofPeer.filter((item) => !inCustomer.has(known(item)) && !before.includes(known(item)));
  const all = [...kept, ...added];
  return all.length === 0 ? null : all;
}

function isList(value: JsonValue): boolean {
  return value === null || Array.isArray(value);
}

function itemsOf(value: JsonValue): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

/** An address or a number whatever its label. */
function identity(item: JsonValue): JsonValue {
  return isObject(item) ? (item['address'] ?? item['number'] ?? item) : item;
}
