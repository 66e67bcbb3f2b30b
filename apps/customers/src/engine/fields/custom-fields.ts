import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordContract } from '@rapport/contracts';
import type { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomerKind as Kind } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows, type Statement, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, cutText, type FieldViolation } from '@rapport/platform';
import { customFieldKinds } from '@rapport/contracts/filters';
import { readStoredKey, type CustomField } from './custom-field.entity.js';

/** Values of custom fields by key, as in the contract. */
export type CustomValues = Record<string, unknown>;

/** The index data stored beside the values. */
export interface CustomIndex {
  /** Terms like those of `recordTerms`: `x.<key>:<value>`, and `x.<key>` for the presence of a value. */
  terms: string[];
  /** Order values of ordered fields, by key. */
  orderValues: Record<string, string>;
  /** Text that `q` searches. */
  searchTexts: string[];
}

/** The value of a field of type REFERENCE. */
export interface Reference {
  key: string;
  /** Id of a customer. */
  id: string;
}

/** Most violations reported for the values of one customer. */
const maxViolations = 100;

/** The longest valid key is 60 characters: a violation of an invalid one has its start. */
const maxPathLength = 60;

/** Path of a value within its customer. */
export function customFieldPath(key: string): string {
  return `customFields.${cutText(key, maxPathLength)}`;
}

/** The identifier of a field in terms and order values: unique within a table. */
export function indexKey({ key, parentKey }: { key: string; parentKey?: string | null | undefined }): string {
  return parentKey ? `${parentKey}.${key}` : key;
}

/** The `indexKey` of a stored definition; undefined for records of another type. */
export function storedIndexKey(
  { contract }: Pick<OwnerType, 'contract'>,
  { key, recordType }: CustomField,
): string | undefined {
  const field = readStoredKey(key).key;
  if (recordType === contract.singular) return field;
  const [area, parentKey] = recordType.split('.');
  return contract.parent !== undefined && area === contract.permission
    ? indexKey({ key: field, parentKey })
    : undefined;
}

/** The parts of a definition that determine how values are read, returned and found. */
export interface Definition extends Pick<
  CustomField,
  'key' | 'type' | 'kind' | 'displayName' | 'options' | 'searchable'
> {
  /** Absent while it is live. */
  deleteTime?: Date | string | null;
  /** Key of the parent whose records have the field, see `RecordType.of`. */
  parentKey?: string | null;
}

/** The parts of a RecordType that custom fields use. */
interface OwnerType {
  contract: RecordContract;
  name: string;
  parentKey?: string | undefined;
}

/** A tenant's custom field definitions of one record type, deleted ones included. */
export class CustomFields {
  readonly #byKey: ReadonlyMap<string, Definition>;

  constructor(private readonly definitions: readonly Definition[]) {
    this.#byKey = new Map(definitions.map((definition) => [definition.key, definition]));
  }

  /**
   * The definitions for the records of one parent, out of all. @param parentKey undefined for a type without parents
   */
  of(parentKey: string | undefined): CustomFields {
    if (parentKey === undefined || this.definitions.every((each) => each.parentKey === parentKey)) return this;
    return new CustomFields(this.definitions.filter((definition) => definition.parentKey === parentKey));
  }

  /** The definitions of a type; empty for a type without custom fields. */
  static async load(
    source: EntityManager | StatementTransaction,
    type: OwnerType,
    tenantId = currentCaller().tenantId,
  ): Promise<CustomFields> {
    const [statement] = CustomFields.statements(type, tenantId);
    return new CustomFields(statement ? await queryRows<Definition>(source, statement) : []);
  }

  /** Reads the constructor's argument. Empty for a type without custom fields. */
  static statements(type: OwnerType, tenantId = currentCaller().tenantId): [] | [Statement] {
    if (!type.contract.options.customFields) return [];
    return [
      {
        ...ofOwner(type),
        values: [tenantId, isOfAllParents(type) ? `${type.name}.%` : type.name],
      },
    ];
  }

  get(key: string): Definition | undefined {
    return this.#byKey.get(key);
  }

  /** The definitions that are not deleted. */
  get live(): Definition[] {
    return [...this.#byKey.values()].filter(({ deleteTime }) => !deleteTime);
  }

  /**
   * Normalizes values for storage. Existing values of the customer pass unchanged, even if their definition was
   * deleted; null means absent.
   *
   * @returns the values, or undefined when there are none, and the violations, with paths such as `customFields.plan`
   */
  read(given: CustomValues | undefined, kind: CustomerKind | undefined, before: CustomValues = {}) {
    const values: CustomValues = {};
    const violations: FieldViolation[] = [];
    for (const [key, value] of Object.entries(given ?? {})) {
      if (value === null || value === undefined) continue;
      if (Object.hasOwn(before, key) && isDeepStrictEqual(before[key], value)) {
        values[key] = before[key];
        continue;
      }
      const read = this.#readValue(key, value, kind);
      if (!('value' in read)) violations.push({ field: customFieldPath(key), ...read });
      else if (read.value !== undefined) values[key] = read.value;
    }
    return {
      values: Object.keys(values).length > 0 ? values : undefined,
      violations: violations.slice(0, maxViolations),
    };
  }

  /**
   * The customers that values refer to, except those that the customer referred to before.
   *
   * @param values as returned by `read`, or as in the request
   */
  references(values: CustomValues | undefined, before: CustomValues = {}): Reference[] {
    return Object.entries(values ?? {}).flatMap(([key, given]) => {
      if (this.#byKey.get(key)?.type !== 'REFERENCE' || given === before[key]) return [];
      const read = customFieldKinds.REFERENCE.read(given, []);
      return 'value' in read ? [{ key, id: read.value as string }] : [];
    });
  }

  /** @param values as returned by `read` */
  index(values: CustomValues | undefined): CustomIndex {
    const index: CustomIndex = { terms: [], orderValues: {}, searchTexts: [] };
    for (const [key, value] of Object.entries(values ?? {})) {
      const definition = this.#byKey.get(key);
      if (!definition) continue;
      const kind = customFieldKinds[definition.type];
      const stored = indexKey(definition);
      index.terms.push(`x.${stored}`, ...kind.terms(value).map((term) => `x.${stored}:${term}`));
      if (kind.order) index.orderValues[stored] = kind.order(value);
      if (definition.searchable && kind.searchable) index.searchTexts.push(...[value].flat().map(String));
    }
    return index;
  }

  #readValue(
    key: string,
    value: unknown,
    kind: CustomerKind | undefined,
  ): { value: unknown } | Pick<FieldViolation, 'reason' | 'description'> {
    const definition = this.#byKey.get(key);
    if (!definition || definition.deleteTime) return { reason: 'UNKNOWN_FIELD', description: 'is not a custom field.' };
    if (definition.kind && Kind[definition.kind] !== kind) {
      const owner = definition.kind === 'PERSON' ? 'persons' : 'companies';
      return { reason: 'NOT_ALLOWED', description: `exists for ${owner} only.` };
    }
    return customFieldKinds[definition.type].read(value, definition.options);
  }
}

function isOfAllParents({ contract, parentKey }: OwnerType): boolean {
  return contract.parent !== undefined && parentKey === undefined;
}

/** The definitions in the order of their creation: a new one is the last column of a CSV file. */
function ofOwner(type: OwnerType): Pick<Statement, 'name' | 'sql'> {
  const isOfAll = isOfAllParents(type);
  const parentKey = type.contract.parent === undefined ? '' : `, split_part(record_type, '.', 2) as "parentKey"`;
  return {
    name: `custom_fields${type.contract.parent === undefined ? '' : '_of_parent'}${isOfAll ? 's' : ''}`,
    sql: `select split_part(key, '.', -1) as key, type, kind, display_name as "displayName", options, searchable,
      delete_time as "deleteTime"${parentKey} from custom_field where tenant_id = $1 and record_type ${isOfAll ? 'like' : '='} $2
      order by create_time, key`,
  };
}
