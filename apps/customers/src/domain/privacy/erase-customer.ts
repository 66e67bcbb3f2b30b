import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  EraseCustomerRequest,
  Erasure as ErasureMessage,
} from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { beyondScope, checkEtag, etagVersion, queryRows, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { missingRecord } from '../../engine/records/missing-record.js';
import { type StoredRecord, openStored } from '../../engine/records/record-rows.js';
import { knownRecord, lockRecords } from '../../engine/records/record-statements.js';
import { ownCustomers } from '../../engine/query/own-customers.js';
import type { FileStore } from '../../engine/files/file-store.js';
import { recordName } from '../../engine/fields/record-names.js';
import { removeFilesOf } from '../../engine/files/remove-files.js';
import { lockMerges } from '../../engine/merge/lock-merges.js';
import { forgetKeys } from '../../engine/encryption/forget-keys.js';
import { eraseReferences } from '../../engine/changes/erasure/erase-references.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { suppressAddresses } from '../suppressions/suppression-statements.js';
import {
  anonymiseSuppressions,
  eraseChanges,
  formerMerges,
  removeKeys,
  removeRecords,
  type FormerMerge,
  type RemovedRow,
} from '../../engine/changes/erasure/erasure-statements.js';
import { eraseAnswers } from '../../engine/changes/erasure/erase-answers.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { eraseArchives } from '../workspace/erase-archives.js';
import { chunks, ErasedRecords } from './erased-records.js';
import { erasureMessage, receiptDigest } from './erasure-receipt.js';
import { Erasure } from './erasure.entity.js';
import { eraseImports } from './erase-imports.js';
import { addressesOf } from './personal-addresses.js';

/** Largest tolerated clock difference between the service and the database, in milliseconds. */
const clockSkewMs = 60_000;

/** Most rows that one statement removes or changes, since a statement times out after 8 s. */
const stepSize = 1_000;

/**
 * Handles EraseCustomer. Runs in a transaction.
 *
 * @param id of the erasure
 */
export async function eraseCustomer(
  em: EntityManager,
  { key, files }: { key: SuppressionKey; files: FileStore },
  id: string,
  request: EraseCustomerRequest,
): Promise<ErasureMessage> {
  const reason = request.erasure?.reason.trim() ?? '';
  if (reason === '') {
    throw invalidArgument([{ field: 'erasure.reason', reason: 'REQUIRED', description: 'must not be blank' }]);
  }
  await lockMerges(em);
  const customers = await lockPerson(em, request);
  const ids = customers.map((customer) => customer.id);
  await transactionPipeline(em, [
    ...suppressAddresses(key, 'ERASURE', customers.flatMap(addressesOf)),
    anonymiseSuppressions(ids),
  ]);
  await forgetKeys(em, ids);
  const erased = new ErasedRecords(em);
  await eraseReferences(em, customerType(), ids, erased);
  const former = await removeAll(em, customers, erased);
  const names = [...ids.map((customerId) => recordName(customerType().table, customerId)), ...erased.names];
  const fileIds: string[] = [];
  for (const some of chunks(names, stepSize)) fileIds.push(...(await removeFilesOf(em, files, some)));
  erased.count('files', fileIds.length);
  erased.count('changes', await eraseLog(em, [...erased.ids, ...fileIds], former));
  const { tenantId, principalId } = currentCaller();
  const receipt = {
    id,
    customerIds: ids,
    reason,
    erased: erased.counts,
    createTime: new Date(),
    createdBy: principalId,
  };
  const { ownerId = null, ownerTeamId = null } = customers[0] ?? {};
  const erasure = em.create(Erasure, { ...receipt, tenantId, digest: receiptDigest(receipt), ownerId, ownerTeamId });
  await em.flush();
  return erasureMessage(erasure);
}

/** The customer, first, and those that were merged into it, locked. */
async function lockPerson(em: EntityManager, { id, etag }: EraseCustomerRequest): Promise<CustomerMessage[]> {
  const seen = await queryRows(em, knownRecord(customerType(), id));
  if (seen.length === 0) throw await missingRecord(em, customerType(), id);
  // All data of the person is erased, including what the caller may not see.
  await transactionPipeline(em, [beyondScope]);
  await eraseArchives(em);
  await eraseImports(em);
  const own = await queryRows<{ id: string }>(em, {
    name: 'own_customers',
    sql: `with recursive ${ownCustomers} select id from own`,
    values: [currentCaller().tenantId, id],
  });
  const rows = await queryRows<StoredRecord<CustomerMessage>>(
    em,
    lockRecords(
      customerType(),
      own.map((each) => each.id),
    ),
  );
  const customers = await openStored(customerType(), rows);
  const person = customers.find((customer) => customer.id === id);
  if (!person || person.mergedIntoId !== undefined) throw await missingRecord(em, customerType(), id);
  if (person.kind !== CustomerKind.PERSON) {
    throw new AppError('FAILED_PRECONDITION', 'NOT_A_PERSON', 'The customer is a company. Only people can be erased.');
  }
  checkEtag(etag, etagVersion(person.etag));
  return [person, ...customers.filter((customer) => customer !== person)];
}

/** Deletes the data of customers, except from the change log. @returns their former merges */
async function removeAll(
  em: EntityManager,
  customers: CustomerMessage[],
  erased: ErasedRecords,
): Promise<FormerMerge[]> {
  const ids = customers.map(({ id }) => id);
  const former = await queryRows<FormerMerge>(em, formerMerges(ids));
  const referring = [...erased.names.map((name) => name.split('/')[1] ?? '')];
  await transactionPipeline(em, [removeKeys(ids)]);
  for (const { dataClass, statement } of removeRecords(ids, stepSize)) {
    let removed: RemovedRow[];
    do {
      removed = await queryRows<RemovedRow>(em, statement);
      erased.count(dataClass, removed.length);
      for (const { id } of removed) erased.ids.push(id);
    } while (removed.length === stepSize);
  }
  const answering = [...ids, ...former.map((merge) => merge.customer_id), ...referring];
  erased.count('idempotencyAnswers', await eraseAnswers(em, answering));
  await erased.removeImported(customers.map((record) => ({ type: customerType(), record })));
  return former;
}

/**
 * Removes the values from the change log: those of the erased records at any time, and of customers that held them
 * meanwhile after a merge.
 *
 * @returns the number of changes
 */
async function eraseLog(em: EntityManager, recordIds: string[], former: FormerMerge[]): Promise<number> {
  const statements = [
    ...chunks(recordIds, stepSize).map((ids) => eraseChanges(ids)),
    ...former.map(({ customer_id, create_time, undo_time }) =>
      eraseChanges([customer_id], shifted(create_time, -clockSkewMs), shifted(undo_time, clockSkewMs)),
    ),
  ];
  // A generic plan would compare each row of the outbox with each id; a custom plan for these ids uses a hash.
  await queryRows(em, { name: 'plan_for_ids', sql: 'set local plan_cache_mode = force_custom_plan', values: [] });
  let changes = 0;
  for (const statement of statements) {
    for (const { count } of await queryRows<{ count: number }>(em, statement)) changes += count;
  }
  return changes;
}

function shifted(time: string, ms: number): string {
  return new Date(new Date(time).getTime() + ms).toISOString();
}
