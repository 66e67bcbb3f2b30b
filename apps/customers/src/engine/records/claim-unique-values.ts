import {
  isRefusal,
  isUniqueViolation,
  type ReadRows,
  type Statement,
  type TransactionStatement,
} from '@rapport/persistence';
import { AppError, currentCaller, seesSomeOnly, type FieldViolation } from '@rapport/platform';
import { isHiding } from '../fields/hidden-data.js';
import type { RecordType } from '../fields/record-type.js';
import type { UniqueValue } from './unique-values.js';

/** A unique value and the live record that owns or claims it. */
export interface OwnedValue extends UniqueValue {
  recordId: string;
}

export function ownedValues(recordId: string, values: readonly UniqueValue[]): OwnedValue[] {
  return values.map((value) => ({ ...value, recordId }));
}

/**
 * Claims values for live records, and waits for a running transaction that claims the same ones. Fails with
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

/**
 * Records that are not encrypted yet have plain keys: refuses when one of another record has one of the values in plain
 * form.
 */
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
    // In a common order, or two writers with the same two values could deadlock.
    sql: `insert into ${table}_key (tenant_id, type, value, ${table}_id)
      select $1, wanted.type, wanted.value, wanted."recordId"
      from jsonb_to_recordset($2) as wanted (type text, value text, "recordId" uuid)
      order by wanted.type, wanted.value`,
    values: [currentCaller().tenantId, valuesJson(values)],
  };
}

/** Releases values, so that any record can claim them. */
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

/** The owners of the values. */
export function ownersOf({ table }: RecordType, values: readonly UniqueValue[]): Statement {
  // LIMIT makes PostgreSQL look up each value in the index; otherwise it would scan a table that it estimates to be
  // small.
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
  /** The value as stored: in plain form too while an encryption is in progress. */
  stored: string;
  /** Null when the owner is hidden from the caller. */
  record_id: string | null;
}

/** The identity of a unique value. */
export function valueText({ type, value }: Pick<UniqueValue, 'type' | 'value'>): string {
  return `${type} ${value}`;
}

/**
 * ALREADY_EXISTS for values of other records; `ownerId` is the owner of the first, unless it is hidden from the caller.
 */
export function takenError(
  type: RecordType,
  taken: UniqueValue[],
  ownerId: string | null,
  fieldOf: (value: UniqueValue) => string,
): AppError {
  const [first] = taken;
  if (!first) throw new Error('No value is taken.');
  const { field, reason, description } = violationOf(type, first, fieldOf(first));
  return new AppError('ALREADY_EXISTS', reason, `${field}: ${description}`, {
    violations: onePerPath(taken).map((value) => violationOf(type, value, fieldOf(value))),
    metadata: ownerId === null ? {} : { [`${type.singular}Id`]: ownerId },
  });
}

/** Without the other spellings of values. */
export function onePerPath<Value extends Pick<UniqueValue, 'path'>>(values: readonly Value[]): Value[] {
  return [...Map.groupBy(values, ({ path }) => path).values()].map(([first]) => first!);
}

function violationOf(type: RecordType, value: UniqueValue, field: string): FieldViolation {
  const { type: key, path } = value;
  const noun = key === 'EMAIL' ? 'e-mail address' : key.toLowerCase().replaceAll('_', ' ');
  const reason = `${key}_TAKEN` as const;
  if (field.endsWith(path)) return { field, reason, description: `is the ${noun} of another ${type.singular}` };
  // The request has only the id of the record with the value, which may have several.
  const named = isHiding() ? path : `${path}: ${textOf(type, value)}`;
  return { field, reason, description: `is of a ${type.singular} with the ${noun} of another one (${named})` };
}

/** A unique value in plain, without the key of a parent. */
function textOf({ contract }: RecordType, { value, text = value }: UniqueValue): string {
  return contract.parent === undefined ? text : text.slice(text.indexOf(' ') + 1);
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
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'The write conflicts with another one. Try again.', {
    retryAfterSeconds: 1,
  });
}

/** The forms in which the key table may contain a value. */
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
