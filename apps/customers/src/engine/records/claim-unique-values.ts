import {
  isRefusal,
  isUniqueViolation,
  type ReadRows,
  type Statement,
  type TransactionStatement,
} from '@rapport/persistence';
import { AppError, currentCaller, seesSomeOnly } from '@rapport/platform';
import type { UniqueValue } from './customer-keys.js';

/** A unique value and the live customer whose it is or shall be. */
export interface OwnedValue extends UniqueValue {
  customerId: string;
}

const reasons: Record<UniqueValue['type'], { reason: string; description: string }> = {
  EMAIL: { reason: 'EMAIL_TAKEN', description: 'is the e-mail address of another customer' },
  DOMAIN: { reason: 'DOMAIN_TAKEN', description: 'is the domain of another customer' },
  EXTERNAL_ID: { reason: 'EXTERNAL_ID_TAKEN', description: 'is the external id of another customer' },
};

export function ownedValues(customerId: string, values: readonly UniqueValue[]): OwnedValue[] {
  return values.map((value) => ({ ...value, customerId }));
}

/**
 * Makes values those of live customers, and waits for a running transaction that claims the same ones. Fails with
 * ALREADY_EXISTS, with `customerId` in its metadata, when another live customer has one of them.
 *
 * @param fieldOf the field of the request that an error names for a value
 * @param meaning what that error means to the caller
 */
export function claimValues(
  values: readonly OwnedValue[],
  fieldOf: (value: UniqueValue) => string,
  meaning: (error: AppError) => AppError = (error) => error,
): TransactionStatement[] {
  if (values.length === 0) return [];
  const explain = async (error: unknown, read: ReadRows) =>
    isUniqueViolation(error) || isRefusal(error, valuesTaken) ? meaning(await lostError(values, fieldOf, read)) : error;
  return [...refusePlainOwners(values, explain), { ...insertKeys(values), explain }];
}

const valuesTaken = 'PLAIN_VALUES_TAKEN';

/** Of customers that are not sealed yet, the values are stored as they are: refuses when one of another has one of them. */
function refusePlainOwners(
  values: readonly OwnedValue[],
  explain: NonNullable<TransactionStatement['explain']>,
): TransactionStatement[] {
  const plain = values.flatMap((value) =>
    value.plainValue === undefined ? [] : { ...value, value: value.plainValue },
  );
  if (plain.length === 0) return [];
  const refuse = {
    name: 'refuse_plain_owners',
    sql: `select refuse_unless(not exists (
        select from customer_key
        join jsonb_to_recordset($2) as wanted (type text, value text, "customerId" uuid) using (type, value)
        where tenant_id = $1 and customer_id <> wanted."customerId"), '${valuesTaken}')`,
    values: [currentCaller().tenantId, valuesJson(plain)],
    explain,
  };
  return [refuse];
}

/** Fails with `isUniqueViolation` when another live customer has one of the values. */
export function insertKeys(values: readonly OwnedValue[]): Statement {
  const [only, ...others] = values;
  if (only && others.length === 0) {
    return {
      name: 'insert_key',
      sql: 'insert into customer_key (tenant_id, type, value, customer_id) values ($1, $2, $3, $4)',
      values: [currentCaller().tenantId, only.type, only.value, only.customerId],
    };
  }
  return {
    name: 'insert_keys',
    // In one order for all, or two writers with the same two values could wait for each other.
    sql: `insert into customer_key (tenant_id, type, value, customer_id)
      select $1, wanted.type, wanted.value, wanted."customerId"
      from jsonb_to_recordset($2) as wanted (type text, value text, "customerId" uuid)
      order by wanted.type, wanted.value`,
    values: [currentCaller().tenantId, valuesJson(values)],
  };
}

/** Gives values back, so that any customer may have them. */
export function releaseValues(values: readonly OwnedValue[]): TransactionStatement[] {
  if (values.length === 0) return [];
  const stored = values.flatMap((value) => storedForms(value).map((form) => ({ ...value, value: form })));
  const release = {
    name: 'release_values',
    sql: `delete from customer_key
      where tenant_id = $1 and (type, value, customer_id) in (
        select * from jsonb_to_recordset($2) as released (type text, value text, "customerId" uuid))`,
    values: [currentCaller().tenantId, valuesJson(stored)],
  };
  return [release];
}

/** Whose the values are that have owners. */
export function ownersOf(values: readonly UniqueValue[]): Statement {
  // By LIMIT each value is looked up by itself; PostgreSQL would read the whole of a table that it takes for small.
  const owned = `select type, value, stored, customer_id from (
        select distinct type, value, stored from jsonb_to_recordset($2) as key (type text, value text, stored text)
      ) wanted
      cross join lateral (
        select customer_id from customer_key
        where tenant_id = $1 and customer_key.type = wanted.type and customer_key.value = wanted.stored
        limit 1
      ) owner`;
  const seen = `select type, value, stored, customer.id as customer_id from (${owned}) owned
      left join customer on customer.tenant_id = $1 and customer.id = owned.customer_id`;
  const forms = values.flatMap((value) =>
    storedForms(value).map((stored) => ({ type: value.type, value: value.value, stored })),
  );
  return {
    ...(seesSomeOnly() ? { name: 'seen_owners_of_values', sql: seen } : { name: 'owners_of_values', sql: owned }),
    values: [currentCaller().tenantId, JSON.stringify(forms)],
  };
}

/** A row of `ownersOf`. */
export interface OwnerRow extends Pick<UniqueValue, 'type' | 'value'> {
  /** The value as it is stored: also plain while the customers of a tenant are being sealed. */
  stored: string;
  /** Null when the caller does not see the customer that has the value. */
  customer_id: string | null;
}

/** What tells a unique value from others. */
export function valueText({ type, value }: Pick<UniqueValue, 'type' | 'value'>): string {
  return `${type} ${value}`;
}

/** ALREADY_EXISTS for values that other customers have; `ownerId` is the one that has the first, unless the caller does not see it. */
export function takenError(
  taken: UniqueValue[],
  ownerId: string | null,
  fieldOf: (value: UniqueValue) => string,
): AppError {
  const [first] = taken;
  if (!first) throw new Error('No value is taken.');
  const { reason, description } = reasons[first.type];
  return new AppError('ALREADY_EXISTS', reason, `${fieldOf(first)}: ${description}`, {
    violations: taken.map((value) => ({ field: fieldOf(value), ...reasons[value.type] })),
    metadata: ownerId === null ? {} : { customerId: ownerId },
  });
}

async function lostError(
  values: readonly OwnedValue[],
  fieldOf: (value: UniqueValue) => string,
  read: ReadRows,
): Promise<AppError> {
  const rows = await read<OwnerRow>(ownersOf(values));
  const owners = new Map(rows.map((row) => [valueText(row), row.customer_id]));
  const taken = values.filter((value) => {
    const owner = owners.get(valueText(value));
    return owner !== undefined && owner !== value.customerId;
  });
  const [first] = taken;
  if (first) return takenError(taken, owners.get(valueText(first)) ?? null, fieldOf);
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
    retryAfterSeconds: 1,
  });
}

/** As customer_key may have a value. */
function storedForms({ value, plainValue }: UniqueValue): string[] {
  return plainValue === undefined ? [value] : [value, plainValue];
}

function valuesJson(values: readonly (UniqueValue | OwnedValue)[]): string {
  return JSON.stringify(
    values.map(({ type, value, ...rest }) => ({
      type,
      value,
      customerId: 'customerId' in rest ? rest.customerId : undefined,
    })),
  );
}
