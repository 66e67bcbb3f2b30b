import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import type {
  EraseCustomerRequest,
  ErasedData,
  Erasure as ErasureMessage,
} from '@rapport/contracts/rapport/customers/v1/privacy_service';
import {
  beyondScope,
  checkEtag,
  etagVersion,
  queryRows,
  transactionPipeline,
  type Statement,
} from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument } from '@rapport/platform';
import { missingRecord } from '../../engine/records/missing-record.js';
import { type StoredRecord, openStored } from '../../engine/records/record-rows.js';
import { knownRecord, lockRecords } from '../../engine/records/record-statements.js';
import { ownCustomers } from '../../engine/query/own-customers.js';
import type { FileStore } from '../../engine/files/file-store.js';
import { recordName } from '../../engine/fields/record-names.js';
import { removeFilesOf } from '../../engine/files/remove-files.js';
import { lockMerges } from '../../engine/merge/lock-merges.js';
import { destroyLater, forgetKeys } from '../../engine/encryption/forget-keys.js';
import { personalTexts } from '../../engine/changes/erasure/cleared-record.js';
import { eraseReferences, type ErasedReferences } from '../../engine/changes/erasure/erase-references.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { suppressAddresses } from '../suppressions/suppression-statements.js';
import {
  anonymiseSuppressions,
  eraseAnswers,
  eraseChanges,
  eraseIssues,
  formerMerges,
  removeImportLeftovers,
  removeKeys,
  removeRecords,
  type ErasedRecord,
  type FormerMerge,
  type RemovedRow,
} from '../../engine/changes/erasure/erasure-statements.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { erasureMessage, receiptDigest } from './erasure-receipt.js';
import { Erasure } from './erasure.entity.js';
import { addressesOf } from './personal-addresses.js';

/** Largest difference between the clocks of the service and of the database, in milliseconds. */
const clockSkewMs = 60_000;

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
  const references = await eraseReferences(em, customerType(), ids);
  await destroyLater(em, references.keys);
  const { erased, recordIds, former } = await removeAll(em, customers, references);
  const fileIds = await removeFilesOf(em, files, [
    ...ids.map((customerId) => recordName(customerType().table, customerId)),
    ...references.records.map(({ type, record }) => recordName(type.table, record.id)),
  ]);
  erased.push({ dataClass: 'files', count: fileIds.length });
  const changes = await eraseLog(em, [...recordIds, ...fileIds], former);
  const { tenantId, principalId } = currentCaller();
  const receipt = {
    id,
    customerIds: ids,
    reason,
    erased: [...erased, { dataClass: 'changes', count: changes }].filter(({ count }) => count > 0),
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

/**
 * Deletes the data of customers, except from the change log.
 *
 * @param references what was erased of records that referred to the customers
 */
async function removeAll(em: EntityManager, customers: CustomerMessage[], references: ErasedReferences) {
  const { records: referring, associations } = references;
  const ids = customers.map(({ id }) => id);
  const former = await queryRows<FormerMerge>(em, formerMerges(ids));
  const erased = countsOf(referring);
  const recordIds = [...referring.map(({ record }) => record.id), ...associations];
  const run = async (dataClass: string, statements: Statement[]) => {
    const rows = (await transactionPipeline(em, statements)).flat();
    erased.push({ dataClass, count: rows.length });
    return rows;
  };
  await transactionPipeline(em, [removeKeys(ids)]);
  for (const [dataClass, statement] of Object.entries(removeRecords(ids))) {
    const rows = (await run(dataClass, [statement])) as RemovedRow[];
    recordIds.push(...rows.map(({ id }) => id));
  }
  const answering = [...ids, ...former.map((merge) => merge.customer_id), ...referring.map(({ record }) => record.id)];
  await run('idempotencyAnswers', chunks(answering, 100).map(eraseAnswers));
  const records = [...customers.map((record) => ({ type: customerType(), record })), ...referring];
  await run('importLeftovers', chunks(records, 1_000).flatMap(removeImportLeftovers));
  await run(
    'importIssues',
    chunks(records, 100).map((some) =>
      eraseIssues(
        some.map(({ record }) => record.id),
        some.flatMap(quotedOf),
      ),
    ),
  );
  return { erased, recordIds, former };
}

/** How many records of each type an erasure has removed, or has taken personal data from. */
function countsOf(records: readonly ErasedRecord[]): ErasedData[] {
  const counts = new Map<string, Set<string>>();
  for (const { type, record } of records) {
    const ids = counts.get(type.plural) ?? new Set();
    counts.set(type.plural, ids.add(record.id));
  }
  return [...counts].map(([dataClass, ids]) => ({ dataClass, count: ids.size }));
}

/** What issues of imports may quote of a record. */
function quotedOf({ type, record }: ErasedRecord): string[] {
  if (type !== customerType()) return personalTexts(type, record);
  const { displayName = '', emails, phones } = record as CustomerMessage;
  return [displayName, ...emails.map(({ address }) => address), ...phones.map(({ number }) => number)];
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/**
 * Takes the values out of the log: of what was removed at any time, and of customers that had them in between, when they
 * were merged.
 *
 * @returns the number of changes
 */
async function eraseLog(em: EntityManager, recordIds: string[], former: FormerMerge[]): Promise<number> {
  const statements = [
    eraseChanges(recordIds),
    ...former.map(({ customer_id, create_time, undo_time }) =>
      eraseChanges([customer_id], shifted(create_time, -clockSkewMs), shifted(undo_time, clockSkewMs)),
    ),
  ];
  const counts = (await transactionPipeline(em, statements)).flat() as { count: number }[];
  return counts.reduce((sum, { count }) => sum + count, 0);
}

function shifted(time: string, ms: number): string {
  return new Date(new Date(time).getTime() + ms).toISOString();
}
