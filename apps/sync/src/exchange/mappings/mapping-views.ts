import { momentOf } from '@rapport/contracts/filters';
import type { JsonObject, JsonValue } from '../../connectors/peer-record.js';
import type { FieldRule } from './field-rule.js';
import type { Evaluate } from './jsonata-evaluator.js';
import { peerChanges, peerValue, recordValue, wholeValues, type ExchangedRecord } from './lenses/field-values.js';
import type { FieldLens, ValueFault } from './lenses/lens.js';
import { ruleLens, type ValueTypes } from './lenses/value-conversion.js';

export type Side = 'CUSTOMER' | 'PEER';

/** The values of a pair's fields in the form that both sides are compared in, by the field of the customer; null for no value. */
export type Views = Readonly<Record<string, JsonValue>>;

/** One side of a pair of another mapping that a field refers to. */
export interface Target {
  mappingId: string;
  side: Side;
  /** Id of the record on that side. */
  id: string;
}

/** An invalid value of a field. */
export interface FieldFault {
  rule: FieldRule;
  fault: ValueFault;
}

/** A reference to a record without a pair. */
export interface UnmetReference {
  rule: FieldRule;
  target: Target;
}

/** Finds the id of a record's pair on the other side; undefined while it has none. */
export type FindOther = (target: Target) => Promise<string | undefined>;

/** Dependencies of views. */
export interface ViewParts {
  types: ValueTypes;
  defaults: JsonObject;
  evaluate: Evaluate;
  findOther: FindOther;
}

/** Converts the records of a mapping to views of both sides and back, by the field of the customer. */
export class MappingViews {
  readonly #fields: { rule: FieldRule; lens: FieldLens }[];

  constructor(
    rules: readonly FieldRule[],
    private readonly parts: ViewParts,
  ) {
    this.#fields = rules.map((rule) => ({ rule, lens: ruleLens(rule, parts.types) }));
  }

  /** The instant of a time field, with its zone where that is known. */
  peerTime(fields: JsonObject, name: string): JsonValue {
    const value = fields[name] ?? null;
    const { timeZone } = this.parts.types.fields.find((field) => field.name === name) ?? {};
    return typeof value === 'string' && timeZone !== undefined ? (momentOf(value, timeZone) ?? value) : value;
  }

  ofCustomer(customer: ExchangedRecord): Views {
    return Object.fromEntries(
      this.#fields.map(({ rule, lens }) => [
        rule.customerField,
        // The view of a reference is the id in Rapport.
        rule.referenceMappingId === undefined
          ? lens.ofCustomer(recordValue(this.parts.types.type, customer, rule.customerField))
          : recordValue(this.parts.types.type, customer, rule.customerField),
      ]),
    );
  }

  /**
   * The views of a record, without fields with an unmet reference.
   *
   * @throws EvaluationError
   */
  async ofPeer(fields: JsonObject): Promise<Views> {
    const views: Record<string, JsonValue> = {};
    for (const { rule, lens } of this.#fields) {
      const value = peerValue(fields, rule.peerField);
      const { toCustomer } = rule;
      const target = targetOf(rule, 'PEER', lens.ofPeer(value));
      if (target) {
        const id = await this.parts.findOther(target);
        if (id !== undefined) views[rule.customerField] = id;
        continue;
      }
      views[rule.customerField] =
        toCustomer === undefined ? lens.ofPeer(value) : orNull(await this.#evaluate(toCustomer, value));
    }
    return views;
  }

  /** The references of a record to records without a pair. */
  async unmetOfPeer(fields: JsonObject): Promise<UnmetReference[]> {
    return this.#unmet(({ rule, lens }) => targetOf(rule, 'PEER', lens.ofPeer(peerValue(fields, rule.peerField))));
  }

  /** The references of views to customers without a pair. */
  async unmetOfViews(views: ReadonlyMap<string, JsonValue>): Promise<UnmetReference[]> {
    return this.#unmet(({ rule }) => targetOf(rule, 'CUSTOMER', views.get(rule.customerField) ?? null));
  }

  /** The fields of a customer that produce these views. @param customer in its current state; absent for a new one */
  customerValues(views: ReadonlyMap<string, JsonValue>, customer: ExchangedRecord | undefined): Map<string, JsonValue> {
    const values = new Map<string, JsonValue>();
    for (const { rule, lens } of this.#fields) {
      const view = views.get(rule.customerField);
      if (view === undefined) continue;
      const current = customer ? recordValue(this.parts.types.type, customer, rule.customerField) : null;
      const isReference = rule.referenceMappingId !== undefined;
      values.set(rule.customerField, isReference ? view : lens.toCustomer(view, current));
    }
    return wholeValues(this.parts.types.type, values, customer, this.parts.defaults);
  }

  /** The parts of these views that are invalid for a customer, by its field. */
  faults(views: ReadonlyMap<string, JsonValue>): FieldFault[] {
    return this.#fields.flatMap(({ rule, lens }) =>
      (lens.faults?.(views.get(rule.customerField) ?? null) ?? []).map((fault) => ({ rule, fault })),
    );
  }

  /**
   * The fields of a record that produce these views.
   *
   * @param current fields of the record; none for a new one
   * @throws EvaluationError
   */
  async peerFields(views: ReadonlyMap<string, JsonValue>, current: JsonObject): Promise<JsonObject> {
    const values = new Map<string, JsonValue>();
    for (const { rule, lens } of this.#fields) {
      const view = views.get(rule.customerField);
      if (view === undefined) continue;
      const { toPeer, peerField } = rule;
      const target = targetOf(rule, 'CUSTOMER', view);
      const seen = target ? ((await this.parts.findOther(target)) ?? null) : view;
      const value =
        toPeer === undefined ? lens.toPeer(seen, peerValue(current, peerField)) : await this.#evaluate(toPeer, seen);
      values.set(peerField, value);
    }
    return peerChanges(values, current);
  }

  async #unmet(targetOfField: (field: { rule: FieldRule; lens: FieldLens }) => Target | undefined) {
    const unmet: UnmetReference[] = [];
    for (const field of this.#fields) {
      const target = targetOfField(field);
      if (target && (await this.parts.findOther(target)) === undefined) unmet.push({ rule: field.rule, target });
    }
    return unmet;
  }

  /** Null stays null: most functions of JSONata fail on it. */
  #evaluate(expression: string, value: JsonValue): Promise<JsonValue> {
    return value === null ? Promise.resolve(null) : this.parts.evaluate(expression, value);
  }
}

/** Undefined for a rule without a reference, and for null. @param side of the value */
function targetOf({ referenceMappingId }: FieldRule, side: Side, value: JsonValue): Target | undefined {
  if (referenceMappingId === undefined || value === null) return undefined;
  return { mappingId: referenceMappingId, side, id: typeof value === 'string' ? value : JSON.stringify(value) };
}

function orNull(value: JsonValue): JsonValue {
  return value === '' || (Array.isArray(value) && value.length === 0) ? null : value;
}
