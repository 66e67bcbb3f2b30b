import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { formerMerges, type FormerMerge } from '../changes/erasure/erasure-statements.js';
import { customerType } from '../records/customers/customer-type.js';
import { openDependents, sealDependents } from '../records/referring/dependent-records.js';
import { type StoredRecord } from '../records/record-rows.js';
import { lockRecords } from '../records/record-statements.js';
import { currentSeal, type Seal } from '../sealing/seal.js';
import { allGenerations, type FormerKeys } from '../sealing/subject-keys.js';
import { sealCustomers } from './seal-records.js';

/**
 * Schedules the keys of customers that are being erased for destruction after the commit. Customers that they were once merged into get
 * new keys, since the former keys open data of the erased customers.
 */
export async function forgetKeys(em: EntityManager, ids: readonly string[]): Promise<void> {
  const seal = currentSeal();
  if (!seal) return;
  const former = await queryRows<FormerMerge>(em, formerMerges(ids));
  const others = [...new Set(former.map(({ customer_id }) => customer_id))].filter((id) => !ids.includes(id)).sort();
  const renewed = others.length > 0 ? await renewKeys(em, seal, others) : [];
  const own = ids.map((customerId) => ({ customerId, formerGeneration: allGenerations }));
  await destroyLater(em, [...own, ...renewed]);
}

/** Schedules keys for destruction after the commit. */
export async function destroyLater(em: EntityManager, keys: readonly FormerKeys[]): Promise<void> {
  if (keys.length === 0) return;
  await transactionPipeline(em, [
    {
      name: 'destroy_keys_later',
      sql: `insert into key_destruction (tenant_id, customer_id, last_generation)
        select $1, due."customerId", due."formerGeneration"
        from jsonb_to_recordset($2) as due ("customerId" uuid, "formerGeneration" int)
        on conflict (tenant_id, customer_id)
          do update set last_generation = greatest(key_destruction.last_generation, excluded.last_generation)`,
      values: [currentCaller().tenantId, JSON.stringify(keys)],
    },
  ]);
}

async function renewKeys(em: EntityManager, seal: Seal, ids: readonly string[]): Promise<FormerKeys[]> {
  const rows = await queryRows<StoredRecord<Customer>>(em, lockRecords(customerType(), ids));
  const dependents = await openDependents(em, customerType(), ids);
  let former: FormerKeys[] = [];
  await sealCustomers(em, rows, async () => {
    former = await seal.renew(rows.map(({ record }) => record.id));
  });
  await sealDependents(em, dependents);
  return former;
}
