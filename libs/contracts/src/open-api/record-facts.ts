import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { Contract } from '../descriptors/load-contract.js';
import {
  comparisonsOf,
  dateParts,
  filterFieldsOf,
  groupDatesOf,
  groupFieldsOf,
  orderFieldsOf,
  type FilterField,
} from '../filters/index.js';
import { recordContracts, type RecordContract } from '../records/record-contract.js';
import type { JsonSchema, Usage } from '../rest/json-schema.js';
import { camelCase } from '../values/letter-case.js';

/** What the contract says about messages and fields that JSON Schema has no keyword for, as extensions of OpenAPI. */
export class RecordFacts {
  readonly #records: ReadonlyMap<DescMessage, RecordContract>;

  constructor(private readonly contract: Contract) {
    this.#records = new Map(recordContracts(contract).map((record) => [record.message, record]));
  }

  of(desc: DescMessage | DescField, usage: Usage): JsonSchema {
    if (desc.kind === 'field') return this.#ofField(desc);
    return usage === 'output' || usage === 'view' ? this.#ofMessage(desc) : {};
  }

  #ofField(field: DescField): JsonSchema {
    const reference = this.contract.reference(field);
    return {
      ...(this.contract.rules(field).pii && { 'x-rapport-pii': true }),
      ...(reference !== undefined && { 'x-rapport-reference': reference }),
    };
  }

  /** The names are those of filters, orders and groups: the ones of list items differ from those of the items' fields. */
  #ofMessage(message: DescMessage): JsonSchema {
    const record = this.#records.get(message);
    if (!record) {
      const type = this.contract.resource(message)?.type;
      return type === undefined ? {} : { 'x-rapport-resource': type };
    }
    const comparisons = [...filterFieldsOf(record)].map(([path, field]) => [path, filterFact(field)] as const);
    const dates = [...groupDatesOf(record).keys()].flatMap((name) =>
      dateParts.map((part) => `${camelCase(name)}.${part}`),
    );
    return {
      'x-rapport-resource': record.type,
      'x-rapport-filterable': Object.fromEntries(comparisons),
      'x-rapport-sortable': orderFieldsOf(record).map(({ field }) => field.name),
      'x-rapport-groupable': [...[...groupFieldsOf(record).keys()].map(camelCase), ...dates],
      'x-rapport-summable': record.fields.filter(({ index }) => index.sum).map(({ name }) => name),
    };
  }
}

function filterFact(field: FilterField): JsonSchema {
  const { operators, patterns } = comparisonsOf(field);
  return {
    operators,
    ...(patterns.length > 0 && { patterns }),
    ...(field.type === 'enum' && { values: field.names }),
    ...(field.type === 'owner' && field.isUser && { words: ['me'] }),
  };
}
