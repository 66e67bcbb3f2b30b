import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import { JsonCodec } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { OnErase } from '@rapport/contracts/rapport/api/v1/options';
import { FilesServiceService } from '@rapport/contracts/rapport/content/v1/files_service';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { ChangeFeedServiceService } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { ConsentsServiceService } from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { MergesServiceService } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { SuppressionsServiceService } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { beyondScope, tenantSession, transactionPipeline, type Statement } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { File } from '../../engine/files/file.entity.js';
import { recordName } from '../../engine/fields/record-names.js';
import { fileMessage } from '../files/file-message.js';
import { associationMessage } from '../associations/association-message.js';
import { associationsOf, type StoredAssociation } from '../associations/stored-associations.js';
import type { BulkWork } from '../../engine/pace/bulk-work.js';
import { changeColumns, entryOf, type ChangeEntry, type ChangeRow } from '../../engine/changes/log/change-entry.js';
import { tenantChange } from '../../engine/changes/feed/change-message.js';
import type { LoggedTypes } from '../../engine/changes/log/logged-types.js';
import { consentMessages, type ConsentRow } from '../consents/consent-message.js';
import { ownCustomers } from '../../engine/query/own-customers.js';
import { consentsOf } from '../consents/consent-statements.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import { missingRecord } from '../../engine/records/missing-record.js';
import { type StoredRecord, openStored, rowReader, shownColumns } from '../../engine/records/record-rows.js';
import { knownRecord } from '../../engine/records/record-statements.js';
import { referringFields } from '../../engine/records/referring/referring-fields.js';
import { recordValue } from '../../engine/query/record-json.js';
import { findMergeRecords } from '../../engine/merge/find-merge.js';
import { mergeMessage } from '../../engine/merge/merge-message.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { suppressionMessage, type SuppressionRow } from '../suppressions/suppression-message.js';
import { suppressionsOfCustomers } from '../suppressions/suppression-statements.js';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { addressesOf } from './personal-addresses.js';

/** Changes that are read and written at a time. */
const batchSize = 200;

/** Most records of one kind that are exported. Further ones are left out without a notice. */
const maxRecords = 100_000;

type Json = Record<string, unknown>;

const codecs = new Map<string, JsonCodec>();
const jsonOf = {
  association: codecOf(AssociationsServiceService.getAssociation.path),
  merge: codecOf(MergesServiceService.getMerge.path),
  file: codecOf(FilesServiceService.getFile.path),
  consent: codecOf(ConsentsServiceService.getConsent.path),
  suppression: codecOf(SuppressionsServiceService.getSuppression.path),
  change: JsonCodec.of(changeDescriptor(), codecs),
};

/** Sources of the export. */
interface Sources {
  em: EntityManager;
  types: LoggedTypes;
  key: SuppressionKey;
}

/**
 * Handles ExportPersonalData: streams JSON from one snapshot, and makes a piece when the reader has taken the one before.
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
    // The edge cuts a reader off that takes nothing for a minute or two.
    await reader.execute(`set local idle_in_transaction_session_timeout = '150s'`);
    const customers = await readCustomers(reader, id);
    const { associations, ...lists } = await readRecords(reader, await key.of(reader), customers);
    const [customer, ...mergedCustomers] = customers.map((each) => recordValue(customerType(), each));
    const referring = await readReferring(
      reader,
      customers.map((each) => each.id),
    );
    const files = await readFiles(reader, [
      ...customers.map((each) => recordName(customerType().table, each.id)),
      ...Object.entries(referring).flatMap(([plural, records]) =>
        records.map((each) => `${plural}/${each['id'] as string}`),
      ),
    ]);
    const head = JSON.stringify({ customer, mergedCustomers, associations, ...lists, ...referring, files });
    yield piece('application/json', `${head.slice(0, -1)},"changes":[`);
    let separator = '';
    const records = [...associations, ...lists.consents, ...lists.merges, ...Object.values(referring).flat(), ...files];
    for await (const changes of readChanges(reader, types, customers, records)) {
      yield piece('', separator + changes.map((change) => JSON.stringify(change)).join(','));
      separator = ',';
    }
    yield piece('', ']}');
  } finally {
    await reader.rollback();
  }
}

/**
 * The customer first, then those that were merged into it. Widens the session: what is read after it includes what the caller may
 * not see.
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

async function readRecords(reader: EntityManager, key: SuppressionKey, customers: CustomerMessage[]) {
  const { tenantId } = currentCaller();
  const ids = customers.map(({ id }) => id);
  const ends = ids.map((id): [string, string] => [tenantId, id]);
  const oldestFirst = { orderBy: { id: 'asc' as const }, limit: maxRecords };
  const associations = await rowsOf<StoredAssociation>(reader, associationsOf(ids, maxRecords));
  const merges = await findMergeRecords(
    reader,
    { tenantId, $or: ends.flatMap((end) => [{ customer: end }, { merged: end }]) },
    oldestFirst,
  );
  const consents = await rowsOf<ConsentRow>(
    reader,
    consentsOf({ customerId: ids[0] ?? '', currentOnly: false, limit: maxRecords }),
  );
  const suppressions = await rowsOf<SuppressionRow>(
    reader,
    suppressionsOfCustomers(key, ids, customers.flatMap(addressesOf)),
  );
  return {
    associations: associations.map((row) => jsonOf.association.toJson(associationMessage(row) as unknown as Json)),
    merges: merges.map((row) => jsonOf.merge.toJson(mergeMessage(row) as unknown as Json)),
    consents: (await consentMessages(consents)).map((consent) => jsonOf.consent.toJson(consent as unknown as Json)),
    suppressions: suppressions.map((row) => jsonOf.suppression.toJson(suppressionMessage(row) as unknown as Json)),
  };
}

/** The records of other types that refer to the customers and have data of theirs, by the plurals of the types. */
async function readReferring(reader: EntityManager, ids: readonly string[]): Promise<Record<string, Json[]>> {
  const fields = referringFields(customerType()).filter(
    ({ type, index }) => type !== customerType() && index.onErase !== OnErase.KEEP,
  );
  const read: Record<string, Json[]> = {};
  for (const type of new Set(fields.map((field) => field.type))) {
    const columns = fields.filter((field) => field.type === type).map(({ column }) => column);
    const rows = await rowsOf<StoredRecord>(reader, {
      name: `${type.table}s_of_person`,
      sql: `select ${shownColumns(type)} from ${type.table}
        where tenant_id = $1 and (${columns.map((column) => `${column} = any ($2::uuid[])`).join(' or ')})
        order by id limit $3`,
      values: [currentCaller().tenantId, [...ids], maxRecords],
      row: rowReader(type),
    });
    read[type.plural] = (await openStored(type, rows)).map((record) => recordValue(type, record));
  }
  return read;
}

/** What is known of the files of records; their bytes are downloaded one by one. @param records resource names */
async function readFiles(reader: EntityManager, records: readonly string[]): Promise<Json[]> {
  const { tenantId } = currentCaller();
  const files: File[] = [];
  for (let start = 0; start < records.length; start += 1_000) {
    const record = { $in: records.slice(start, start + 1_000) };
    const options = { orderBy: { id: 'asc' as const }, limit: maxRecords, disableIdentityMap: true };
    files.push(...(await reader.find(File, { tenantId, record }, options)));
  }
  return files.map((file) => jsonOf.file.toJson(fileMessage(file) as unknown as Json));
}

/** What the log has of the customers and their records, the oldest first. */
async function* readChanges(
  reader: EntityManager,
  types: LoggedTypes,
  customers: CustomerMessage[],
  records: readonly Json[],
): AsyncGenerator<Json[]> {
  const { tenantId } = currentCaller();
  const ids = [...customers.map(({ id }) => id), ...records.map(({ id }) => id as string)];
  let after: ChangeEntry | undefined;
  do {
    const rows = await rowsOf<ChangeRow>(reader, {
      name: 'changes_of_person',
      sql: `select ${changeColumns} from change_log
        where tenant_id = $1 and record_id = any ($2::text[]) and position > $3 order by position limit $4`,
      values: [tenantId, ids, after?.position ?? 0, batchSize],
    });
    const entries = await Sealing.of(reader).openEntries(reader, rows.map(entryOf));
    if (entries.length > 0) {
      yield entries.map((entry) => jsonOf.change.toJson(tenantChange(types, entry, tenantId, '') as unknown as Json));
    }
    after = entries.length === batchSize ? entries.at(-1) : undefined;
  } while (after);
}

async function rowsOf<Row>(reader: EntityManager, statement: Statement): Promise<Row[]> {
  const [rows = []] = await transactionPipeline(reader, [statement]);
  return rows as Row[];
}

/** @param path of a method that answers the record */
function codecOf(path: string): JsonCodec {
  return JsonCodec.of(methodDescriptor(path).output, codecs);
}

function changeDescriptor() {
  const { message } = methodDescriptor(ChangeFeedServiceService.listChanges.path).output.field['changes'] ?? {};
  if (!message) throw new Error('ListChanges answers no changes.');
  return message;
}

function piece(contentType: string, text: string): HttpBody {
  return { contentType, data: Buffer.from(text), extensions: [] };
}
