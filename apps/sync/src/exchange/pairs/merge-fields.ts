import type { JsonObject, JsonValue } from '../../connectors/peer-record.js';
import type { Base, FieldBase } from '../links/link.js';
import type { FieldRule, MergePolicy } from '../mappings/field-rule.js';
import { isObject } from '../mappings/lenses/field-values.js';
import type { Side, Views } from '../mappings/mapping-views.js';

export interface MergeRequest {
  rules: readonly FieldRule[];
  policy: MergePolicy;
  direction: 'BOTH' | 'TO_CUSTOMERS' | 'TO_PEER';
  base: Base;
  customer: Views;
  peer: Views;
  /** The side that was changed last, where that is known. */
  newest?: Side | undefined;
  /** A user's choice for fields that both sides have changed. */
  choice?: Side | undefined;
  fingerprint: (value: JsonValue) => string;
}

type BothValues = Record<'customer' | 'peer', JsonValue>;
type Fingerprint = (value: JsonValue) => string;

export interface Merged {
  /** Values to write, by the field of the customer. */
  toCustomer: Map<string, JsonValue>;
  toPeer: Map<string, JsonValue>;
  /** Fields in conflict. */
  conflicts: string[];
  /** The base after all writes. */
  base: Base;
}

/** Three-way merge of the fields of a pair, each against its last agreed value. */
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
    const left = stillLeft(request.base[field]?.left ?? [], outcome, fingerprint);
    const known = keysOf(outcome.customer, fingerprint).filter((item) => !left.includes(item));
    merged.base[field] = {
      ...{ customer: toCustomer, peer: toPeer },
      ...(isUnited && { items: known }),
      ...(left.length > 0 && { left }),
    };
  }
  return merged;
}

/** The merged value of both sides. */
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
  return outcomeOf(winner, rule, asTheyAre, before, fingerprint);
}

function outcomeOf(
  winner: Side | 'BOTH',
  { onEmpty }: FieldRule,
  asTheyAre: BothValues,
  before: FieldBase | undefined,
  fingerprint: Fingerprint,
): BothValues {
  if (winner === 'BOTH') return both(united(asTheyAre, before?.items ?? [], fingerprint));
  const value = winner === 'CUSTOMER' ? asTheyAre.customer : asTheyAre.peer;
  if (value === null && onEmpty === 'KEEP') return asTheyAre;
  return keeping(both(value), asTheyAre, before?.left ?? [], fingerprint);
}

function both(value: JsonValue) {
  return { customer: value, peer: value };
}

/** An item that one side has and the other refuses stays: the other side cannot have removed it. */
function keeping(
  wanted: BothValues,
  current: BothValues,
  left: readonly string[],
  fingerprint: Fingerprint,
): BothValues {
  const keep = (value: JsonValue, own: JsonValue): JsonValue => {
    if (left.length === 0 || !isList(value)) return value;
    const there = keysOf(value, fingerprint);
    const isKept = (key: string) => left.includes(key) && !there.includes(key);
    const kept = itemsOf(own).filter((item) => isKept(fingerprint(itemKey(item))));
    return kept.length === 0 ? value : [...itemsOf(value), ...kept];
  };
  return { customer: keep(wanted.customer, current.customer), peer: keep(wanted.peer, current.peer) };
}

/** Of the items that one side has refused, those that only one side still has. */
function stillLeft(left: readonly string[], { customer, peer }: BothValues, fingerprint: Fingerprint): string[] {
  if (left.length === 0) return [];
  const [ofCustomer, ofPeer] = [keysOf(customer, fingerprint), keysOf(peer, fingerprint)];
  return left.filter((item) => ofCustomer.includes(item) !== ofPeer.includes(item));
}

/** The side that always wins. */
function authority({ direction }: MergeRequest, rule: FieldRule): Side | undefined {
  if (direction !== 'BOTH') return direction === 'TO_CUSTOMERS' ? 'PEER' : 'CUSTOMER';
  return rule.authority === 'BOTH' ? undefined : rule.authority;
}

function onlyChanged(isCustomerSame: boolean, isPeerSame: boolean): Side | undefined {
  if (isCustomerSame) return 'PEER';
  return isPeerSame ? 'CUSTOMER' : undefined;
}

/** The winner when both have changed a field, or have never agreed on it. */
function decided(
  { policy, base, choice, newest }: MergeRequest,
  rule: FieldRule,
  { customer, peer }: { customer: JsonValue; peer: JsonValue },
): Side | 'BOTH' | undefined {
  if (choice) return choice;
  // A value that never existed was not cleared.
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

/** Unites the additions and removals of both sides. Items on both sides take the customer's form. */
function united({ customer, peer }: BothValues, before: readonly string[], fingerprint: Fingerprint): JsonValue {
  const known = (item: JsonValue) => fingerprint(itemKey(item));
  const [ofCustomer, ofPeer] = [itemsOf(customer), itemsOf(peer)];
  const [inCustomer, inPeer] = [new Set(ofCustomer.map(known)), new Set(ofPeer.map(known))];
  const kept = ofCustomer.filter((item) => inPeer.has(known(item)) || !before.includes(known(item)));
  const added = ofPeer.filter((item) => !inCustomer.has(known(item)) && !before.includes(known(item)));
  const news = added.filter((item) => !kept.some((other) => contains(other, item)));
  const all = [...new Set([...kept.map((item) => news.find((other) => contains(other, item)) ?? item), ...news])];
  return all.length === 0 ? null : all;
}

function isList(value: JsonValue): boolean {
  return value === null || Array.isArray(value);
}

function itemsOf(value: JsonValue): JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function keysOf(list: JsonValue, fingerprint: Fingerprint): string[] {
  return itemsOf(list).map((item) => fingerprint(itemKey(item)));
}

/** Identity of an item of a list: its address or number regardless of its label, and of the spelling of a postal address. */
export function itemKey(item: JsonValue): JsonValue {
  if (!isObject(item)) return item;
  const { label: _label, ...parts } = item;
  if (isPostal(item)) return Object.entries(parts).map(spelled).sort();
  return item['address'] ?? item['number'] ?? item;
}

function isPostal(item: JsonObject): boolean {
  return ['street', 'city', 'state', 'postalCode', 'countryCode'].some((part) => part in item);
}

function spelled([name, value]: [string, JsonValue]): string {
  return `${name} ${(typeof value === 'string' ? value : JSON.stringify(value)).trim().replace(/\s+/g, ' ').toLowerCase()}`;
}

/** Whether a postal address includes all parts of another one, which is then dropped as redundant. */
function contains(whole: JsonValue, part: JsonValue): boolean {
  if (!isObject(whole) || !isObject(part) || !isPostal(whole) || !isPostal(part)) return false;
  const all = Object.entries(whole).map(spelled);
  return Object.entries(part).every((entry) => all.includes(spelled(entry)));
}
