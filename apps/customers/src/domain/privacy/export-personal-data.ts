import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import { JsonCodec } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { ChangeFeedServiceService } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { beyondScope, tenantSession, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { recordName } from '../../engine/fields/record-names.js';
import { isHiding } from '../../engine/fields/hidden-data.js';
import type { BulkWork } from '../../engine/pace/bulk-work.js';
import { changeColumns, entryOf, type ChangeEntry, type ChangeRow } from '../../engine/changes/log/change-entry.js';
import { tenantChange } from '../../engine/changes/feed/change-message.js';
import type { LoggedTypes } from '../../engine/changes/log/logged-types.js';
import { ownCustomers } from '../../engine/query/own-customers.js';
import { recordValue } from '../../engine/query/record-json.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { type StoredRecord, openStored, rowReader, shownColumns } from '../../engine/records/record-rows.js';
import { knownRecord } from '../../engine/records/record-statements.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { filePages, listsOf, rowsOf, type Json, type PersonalList } from './personal-records.js';

/** Changes read and written per batch. */
const batchSize = 200;

/** Most records per query of changes. */
const idsAtATime = 1_000;

const jsonOfChange = JsonCodec.of(changeDescriptor(), new Map());

/** Sources of the export. */
interface Sources {
  em: EntityManager;
  types: LoggedTypes;
  key: SuppressionKey;
}

/**
 * Handles ExportPersonalData: streams JSON from one snapshot, and creates each piece after the reader has consumed the
 * previous one.
 *
 * @throws AppError NOT_FOUND
 * @throws AppError RESOURCE_EXHAUSTED while too many exports of the tenant run
 * @throws AppError PERMISSION_DENIED to a caller from whom personal data is hidden
 */
export async function* exportPersonalData(
  sources: Sources,
  bulk: BulkWork,
  id: string,
): AsyncGenerator<HttpBody, void> {
  if (isHiding()) {
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
  }
  const place = await bulk.exports.enter();
  yield* place.read(readPerson(sources, id), () => batchSize);
}

async function* readPerson({ em, types, key }: Sources, id: string): AsyncGenerator<HttpBody, void> {
  const reader = em.fork({ session: tenantSession(currentCaller().tenantId) });
  await reader.begin({ isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true });
  try {
    // The edge disconnects a stalled reader after a minute or two.
    await reader.execute(`set local idle_in_transaction_session_timeout = '150s'`);
    const customers = await readCustomers(reader, id);
    const [customer, ...mergedCustomers] = customers.map((each) => recordValue(customerType(), each));
    yield piece('application/json', JSON.stringify({ customer, mergedCustomers }).slice(0, -1));
    const ids = customers.map((each) => each.id);
    const known: Known = { ids: [...ids], names: ids.map((each) => recordName(customerType().table, each)) };
    for (const list of listsOf(reader, await key.of(reader), customers)) yield* readList(list, known);
    yield* readList({ name: 'files', pages: filePages(reader, known.names), isLogged: true }, known);
    yield piece('', ',"changes":[');
    let separator = '';
    for await (const changes of readChanges(reader, types, known.ids)) {
      yield piece('', separator + changes.map((change) => JSON.stringify(change)).join(','));
      separator = ',';
    }
    yield piece('', ']}');
  } finally {
    await reader.rollback();
  }
}

/** The exported ids of records that have changes, and names of records that have files. */
interface Known {
  ids: string[];
  names: string[];
}

/** A member of the JSON object. */
async function* readList({ name, pages, table, isLogged }: PersonalList, known: Known): AsyncGenerator<HttpBody, void> {
  let opening = `,${JSON.stringify(name)}:[`;
  for await (const records of pages) {
    if (records.length === 0) continue;
    yield piece('', opening + records.map((record) => JSON.stringify(record)).join(','));
    opening = ',';
    for (const { id } of isLogged ? records : []) {
      known.ids.push(id as string);
      if (table !== undefined) known.names.push(recordName(table, id as string));
    }
  }
  yield piece('', opening === ',' ? ']' : `${opening}]`);
}

/**
 * The customer first, then customers merged into it. Widens the session: later reads include what the caller cannot
 * see.
 */
async function readCustomers(reader: EntityManager, id: string): Promise<CustomerMessage[]> {
  const seen = await rowsOf(reader, knownRecord(customerType(), id));
  if (seen.length === 0) throw await missingRecord(reader, customerType(), id);
  await transactionPipeline(reader, [beyondScope]);
  const rows = await rowsOf<StoredRecord<CustomerMessage>>(reader, {
    name: 'own_customer_rows',
    sql: `with recursive ${ownCustomers}
      select ${shownColumns(customerType())} from own join customer on customer.tenant_id = $1 and customer.id = own.id
      order by customer.id <> $2, customer.id`,
    values: [currentCaller().tenantId, id],
    row: rowReader(customerType()),
  });
  const customers = await openStored(customerType(), rows);
  if (customers[0]?.id !== id || customers[0].mergedIntoId !== undefined)
    throw await missingRecord(reader, customerType(), id);
  return customers;
}

/** The changes of records, oldest first, some records at a time. */
async function* readChanges(reader: EntityManager, types: LoggedTypes, ids: readonly string[]): AsyncGenerator<Json[]> {
  const { tenantId } = currentCaller();
  for (let start = 0; start < ids.length; start += idsAtATime) {
    const some = ids.slice(start, start + idsAtATime);
    let after: ChangeEntry | undefined;
    do {
      const rows = await rowsOf<ChangeRow>(reader, {
        name: 'changes_of_person',
        sql: `select ${changeColumns} from change_log
          where tenant_id = $1 and record_id = any ($2::text[]) and position > $3 order by position limit $4`,
        values: [tenantId, some, after?.position ?? 0, batchSize],
      });
      const entries = await Sealing.of(reader).openEntries(reader, rows.map(entryOf));
      if (entries.length > 0) {
        yield entries.map((entry) => jsonOfChange.toJson(tenantChange(types, entry, tenantId, '') as unknown as Json));
      }
      after = entries.length === batchSize ? entries.at(-1) : undefined;
    } while (after);
  }
}

function changeDescriptor() {
  const { message } = methodDescriptor(ChangeFeedServiceService.listChanges.path).output.field['changes'] ?? {};
  if (!message) throw new Error('ListChanges returns no changes.');
  return message;
}

function piece(contentType: string, text: string): HttpBody {
  return { contentType, data: Buffer.from(text), extensions: [] };
}
