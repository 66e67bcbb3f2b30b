import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
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

/**
 * Makes values those of live customers, and waits for a running transaction that claims the same ones.
 *
 * @param fieldOf the field of the request that an error names for a value
 * @throws AppError ALREADY_EXISTS with `customerId` in its metadata when another live customer has one of them
 */
export async function claimUniqueValues(
  em: EntityManager,
  values: OwnedValue[],
  fieldOf: (value: UniqueValue) => string,
): Promise<void> {
  if (values.length === 0) return;
  const { tenantId } = currentCaller();
  // In one order for all, or two writers with the same two values could wait for each other.
  const claimed = await em.execute<{ value: string }[]>(
    `insert into customer_key (tenant_id, type, value, customer_id)
     select ?, wanted.type, wanted.value, wanted."customerId"
     from jsonb_to_recordset(?) as wanted (type text, value text, "customerId" uuid)
     order by wanted.type, wanted.value
     on conflict (tenant_id, type, value) do nothing
     returning value`,
    [tenantId, JSON.stringify(values)],
  );
  if (claimed.length < values.length) throw await lostError(em, values, fieldOf);
}

/** Gives values back, so that any customer may have them. */
export async function releaseUniqueValues(em: EntityManager, values: OwnedValue[]): Promise<void> {
  if (values.length === 0) return;
  await em.execute(
    `delete from customer_key
     where tenant_id = ? and (type, value, customer_id) in (
       select * from jsonb_to_recordset(?) as released (type text, value text, "customerId" uuid))`,
    [currentCaller().tenantId, JSON.stringify(values)],
  );
}

/** ALREADY_EXISTS for values that other customers have; `ownerId` is the one that has the first. */
export function takenError(taken: UniqueValue[], ownerId: string, fieldOf: (value: UniqueValue) => string): AppError {
  const [first] = taken;
  if (!first) throw new Error('No value is taken.');
  const { reason, description } = reasons[first.type];
  return new AppError('ALREADY_EXISTS', reason, `${fieldOf(first)}: ${description}`, {
    violations: taken.map((value) => ({ field: fieldOf(value), ...reasons[value.type] })),
    metadata: { customerId: ownerId },
  });
}

async function lostError(
  em: EntityManager,
  values: OwnedValue[],
  fieldOf: (value: UniqueValue) => string,
): Promise<AppError> {
  // A statement of its own: it sees what the transaction that we waited for has committed.
  const rows = await em.execute<{ type: string; value: string; customer_id: string }[]>(
    `select type, value, customer_id from customer_key
     where tenant_id = ?
       and (type, value) in (select * from jsonb_to_recordset(?) as wanted (type text, value text))`,
    [currentCaller().tenantId, JSON.stringify(values)],
  );
  const owners = new Map(rows.map((row) => [`${row.type} ${row.value}`, row.customer_id]));
  const taken = values.filter(({ type, value, customerId }) => {
    const owner = owners.get(`${type} ${value}`);
    return owner !== undefined && owner !== customerId;
  });
  const [first] = taken;
  if (first) return takenError(taken, owners.get(`${first.type} ${first.value}`) ?? '', fieldOf);
  return new AppError('ABORTED', 'CONCURRENT_WRITE', 'Another write was in the way. Try again.', {
    retryAfterSeconds: 1,
  });
}
