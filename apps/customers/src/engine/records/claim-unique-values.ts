import {
  isRefusal,
  isUniqueViolation,
  type ReadRows,
  type Statement,
  type TransactionStatement,
} from '@rapport/persistence';
import { AppError, currentCaller, seesSomeOnly } from '@rapport/platform';
import type { RecordType } from '../fields/record-type.js';
import type { UniqueValue } from './unique-values.js';

/** A unique value and the live record whose it is or shall be. */
export interface OwnedValue extends UniqueValue {
  recordId: string;
}

export function ownedValues(recordId: string, values: readonly UniqueValue[]): OwnedValue[] {
  return values.map((value) => ({ ...value, recordId }));
}

/**
 * Makes values those of live records, and waits for a running transaction that claims the same ones. Fails with
 * ALREADY_EXISTS, with the id of the other record in its metadata, when another live record has one of them.
 *
 * @param fieldOf the field of the request that an error names for a value
 * @param meaning what that error means to the caller
 */
export function claimValues(
  type: RecordType,
  values: readonly OwnedValue[],
  fieldOf: (value: UniqueValue) => string,
  meaning: (error: AppError) => AppError = (error) => error,
): TransactionStatement[] {
  if (values.length === 0) return [];
  const explain = async (error: unknown, read: ReadRows) =>
    isUniqueViolation(error) || isRefusal(error, valuesTaken)
      ? meaning(await lostError(type, values, fieldOf, read))
      : error;
  return [...refusePlainOwners(type, values, explain), { ...insertKeys(type, values), explain }];
}

const valuesTaken = 'PLAIN_VALUES_TAKEN';

/** Of records that are not sealed yet, the values are stored as they are: refuses when one of another has one of them. */
function refusePlainOwners(
  { table }: RecordType,
  values: readonly OwnedValue[],
  explain: NonNullable<TransactionStatement['explain']>,
): TransactionStatement[] {
  const plain = values.flatMap((value) =>
    value.plainValue === undefined ? [] : { ...value, value: value.plainValue },
  );
  if (plain.length === 0) return [];
  const refuse = {
    name: `refuse_plain_owners_of_${table}`,
    sql: `select refuse_unless(not exists (
        select from ${table}_key
        join jsonb_to_recordset($2) as wanted (type text, value text, "recordId" uuid) using (type, value)
        where tenant_id = $1 and ${table}_id <> wanted."recordId"), '${valuesTaken}')`,
    values: [currentCaller().tenantId, valuesJson(plain)],
    explain,
  };
  return [refuse];
}

/** Fails with `isUniqueViolation` when another live record has one of the values. */
export function insertKeys({ table }: RecordType, values: readonly OwnedValue[]): Statement {
  const [only, ...others] = values;
  if (only && others.length === 0) {
    return {
      name: `insert_${table}_key`,
      sql: `insert into ${table}_key (tenant_id, type, value, ${table}_id) values ($1, $2, $3, $4)`,
      values: [currentCaller().tenantId, only.type, only.value, only.recordId],
    };
  }
  return {
    name: `insert_${table}_keys`,
    // In one order for all, or two writers with the same two values could wait for each other.
    sql: `insert into ${table}_key (tenant_id, type, value, ${table}_id)
      select $1, wanted.type, wanted.value, wanted."recordId"
      from jsonb_to_recordset($2) as wanted (type text, value text, "recordId" uuid)
      order by wanted.type, wanted.value`,
    values: [currentCaller().tenantId, valuesJson(values)],
  };
}

/** Gives values back, so that any record may have them. */
export function releaseValues({ table }: RecordType, values: readonly OwnedValue[]): TransactionStatement[] {
  if (values.length === 0) return [];
  const stored = values.flatMap((value) => storedForms(value).map((form) => ({ ...value, value: form })));
  const release = {
    name: `release_${table}_keys`,
    sql: `delete from ${table}_key
      where tenant_id = $1 and (type, value, ${table}_id) in (
        select * from jsonb_to_recordset($2) as released (type text, value text, "recordId" uuid))`,
    values: [currentCaller().tenantId, valuesJson(stored)],
  };
  return [release];
}

/** Whose the values are that have owners. */
export function ownersOf({ table }: RecordType, values: readonly UniqueValue[]): Statement {
  // By LIMIT each value is looked up by itself; PostgreSQL would read the whole of a table that it takes for small.
  const owned = `select type, value, stored, record_id from (
        select distinct type, value, stored from jsonb_to_recordset($2) as given (type text, value text, stored text)
      ) wanted
      cross join lateral (
        select ${table}_id as record_id from ${table}_key key
        where tenant_id = $1 and key.type = wanted.type and key.value = wanted.stored
        limit 1
      ) owner`;
  const seen = `select type, value, stored, ${table}.id as record_id from (${owned}) owned
      left join ${table} on ${table}.tenant_id = $1 and ${table}.id = owned.record_id`;
  const forms = values.flatMap((value) =>
    storedForms(value).map((stored) => ({ type: value.type, value: value.value, stored })),
  );
  return {
    ...(seesSomeOnly()
      ? { name: `seen_owners_of_${table}_keys`, sql: seen }
      : { name: `owners_of_${table}_keys`, sql: owned }),
    values: [currentCaller().tenantId, JSON.stringify(forms)],
  };
}

/** A row of `ownersOf`. */
export interface OwnerRow extends Pick<UniqueValue, 'type' | 'value'> {
  /** The value as it is stored: also plain while the records of a tenant are being sealed. */
  stored: string;
  /** Null when the caller does not see the record that has the value. */
  record_id: string | null;
}

/** What tells a unique value from others. */
export function valueText({ type, value }: Pick<UniqueValue, 'type' | 'value'>): string {
  return `${type} ${value}`;
}

/** ALREADY_EXISTS for values that other records have; `ownerId` is the one that has the first, unless the caller does not see it. */
export function takenError(
  type: RecordType,
  taken: UniqueValue[],
  ownerId: string | null,
  fieldOf: (value: UniqueValue) => string,
): AppError {
  const [first] = taken;
  if (!first) throw new Error('No value is taken.');
  const { reason, description } = meaningOf(type, first);
  return new AppError('ALREADY_EXISTS', reason, `${fieldOf(first)}: ${description}`, {
    violations: taken.map((value) => ({ field: fieldOf(value), ...meaningOf(type, value) })),
    metadata: ownerId === null ? {} : { [`${type.singular}Id`]: ownerId },
  });
}

function meaningOf({ singular }: RecordType, { type: key }: UniqueValue) {
  const noun = key === 'EMAIL' ? 'e-mail address' : key.toLowerCase().replaceAll('_', ' ');
  return { reason: `${key}_TAKEN`, description: `is the ${noun} of another ${singular}` };
}

async function lostError(
  type: RecordType,
  values: readonly OwnedValue[],
  fieldOf: (value: UniqueValue) => string,
  read: ReadRows,
): Promise<AppError> {
  const rows = await read<OwnerRow>(ownersOf(type, values));
  const owners = new Map(rows.map((row) => [valueText(row), row.record_id]));
  const taken = values.filter((value) => {
    const owner = owners.get(valueText(value));
    return owner !== undefined && owner !== value.recordId;
  });
  const [first] = taken;
  if (first) return takenError(type, taken, owners.get(valueText(first)) ?? null, fieldOf);
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
    retryAfterSeconds: 1,
  });
}

/** As the keys may have a value. */
function storedForms({ value, plainValue }: UniqueValue): string[] {
  return plainValue === undefined ? [value] : [value, plainValue];
}

function valuesJson(values: readonly (UniqueValue | OwnedValue)[]): string {
  return JSON.stringify(
    values.map(({ type, value, ...rest }) => ({
      type,
      value,
      recordId: 'recordId' in rest ? rest.recordId : undefined,
    })),
  );
}
