import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { JsonObject, JsonValue } from '../connectors/peer-record.js';
import { momentOf } from '@rapport/contracts/filters';
import type { Views } from '../exchange/pairs/merge-fields.js';
import type { FieldLens, ValueFault } from './lenses/lens.js';
import type { FieldRule } from './field-rule.js';
import { customerValue, peerChanges, peerValue, wholeValues } from './lenses/field-values.js';
import type { Evaluate } from './jsonata-evaluator.js';
import { ruleLens, type ValueTypes } from './lenses/value-conversion.js';

/** A value of a field that does not fit. */
export interface FieldFault {
  rule: FieldRule;
  fault: ValueFault;
}

/** How the records of a mapping look from both sides, by the field of the customer. */
export class MappingViews {
  readonly #fields: { rule: FieldRule; lens: FieldLens }[];

  constructor(
    rules: readonly FieldRule[],
    private readonly types: ValueTypes,
    private readonly evaluate: Evaluate,
  ) {
    this.#fields = rules.map((rule) => ({ rule, lens: ruleLens(rule, types) }));
  }

  /** The moment that a field of a record says, with its zone where that is known. */
  peerTime(fields: JsonObject, name: string): JsonValue {
    const value = fields[name] ?? null;
    const { timeZone } = this.types.fields.find((field) => field.name === name) ?? {};
    return typeof value === 'string' && timeZone !== undefined ? (momentOf(value, timeZone) ?? value) : value;
  }

  ofCustomer(customer: Customer): Views {
    return Object.fromEntries(
      this.#fields.map(({ rule, lens }) => [
        rule.customerField,
        lens.ofCustomer(customerValue(customer, rule.customerField)),
      ]),
    );
  }

  /** @throws EvaluationError */
  async ofPeer(fields: JsonObject): Promise<Views> {
    const views: Record<string, JsonValue> = {};
    for (const { rule, lens } of this.#fields) {
      const value = peerValue(fields, rule.peerField);
      const { toCustomer } = rule;
      views[rule.customerField] =
        toCustomer === undefined ? lens.ofPeer(value) : orNull(await this.#evaluate(toCustomer, value));
    }
    return views;
  }

  /** What a customer's fields are to be, so that these views are seen. @param customer as it is; absent for a new one */
  customerValues(views: ReadonlyMap<string, JsonValue>, customer: Customer | undefined): Map<string, JsonValue> {
    const values = new Map<string, JsonValue>();
    for (const { rule, lens } of this.#fields) {
      const view = views.get(rule.customerField);
      if (view === undefined) continue;
      const current = customer ? customerValue(customer, rule.customerField) : null;
      values.set(rule.customerField, lens.toCustomer(view, current));
    }
    return wholeValues(values, customer);
  }

  /** What of these views no customer can have, by the field of the customer. */
  faults(views: ReadonlyMap<string, JsonValue>): FieldFault[] {
    return this.#fields.flatMap(({ rule, lens }) =>
      (lens.faults?.(views.get(rule.customerField) ?? null) ?? []).map((fault) => ({ rule, fault })),
    );
  }

  /**
   * What a record's fields are to be, so that these views are seen.
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
      const value =
        toPeer === undefined ? lens.toPeer(view, peerValue(current, peerField)) : await this.#evaluate(toPeer, view);
      values.set(peerField, value);
    }
    return peerChanges(values, current);
  }

  /** Nothing stays nothing: most functions of JSONata have no answer to null. */
  #evaluate(expression: string, value: JsonValue): Promise<JsonValue> {
    return value === null ? Promise.resolve(null) : this.evaluate(expression, value);
  }
}

function orNull(value: JsonValue): JsonValue {
  return value === '' || (Array.isArray(value) && value.length === 0) ? null : value;
}
