import type { EntityManager } from '@mikro-orm/postgresql';
import { JsonCodec } from '@rapport/contracts';
import { OnErase } from '@rapport/contracts/rapport/api/v1/options';
import { FilesServiceService } from '@rapport/contracts/rapport/content/v1/files_service';
import { AssociationsServiceService } from '@rapport/contracts/rapport/customers/v1/associations_service';
import { ConsentsServiceService } from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { MergesServiceService } from '@rapport/contracts/rapport/customers/v1/merges_service';
import { SuppressionsServiceService } from '@rapport/contracts/rapport/customers/v1/suppressions_service';
import { transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordType } from '../../engine/fields/record-type.js';
import { File } from '../../engine/files/file.entity.js';
import { findMergeRecords } from '../../engine/merge/find-merge.js';
import { mergeMessage } from '../../engine/merge/merge-message.js';
import { recordValue } from '../../engine/query/record-json.js';
import { customerType } from '../../engine/records/customers/customer-type.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../../engine/records/record-rows.js';
import { referringFields, refersTo, type ReferringField } from '../../engine/records/referring/referring-fields.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import { associationMessage } from '../associations/association-message.js';
import { associationsOf, type StoredAssociation } from '../associations/stored-associations.js';
import { consentColumns, consentMessages, type ConsentRow } from '../consents/consent-message.js';
import { fileMessages } from '../files/file-message.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { suppressionMessage, type SuppressionRow } from '../suppressions/suppression-message.js';
import { suppressionsOfCustomers } from '../suppressions/suppression-statements.js';
import { addressesOf } from './personal-addresses.js';

/** Records per read: a person's data is never in memory as a whole. */
const pageSize = 500;

/** Records per query of files. */
const namesAtATime = 1_000;

export type Json = Record<string, unknown>;

/** The stored data of one kind about a person, in pages, each as the API returns it. */
export interface PersonalList {
  /** Its name in the export. */
  name: string;
  pages: AsyncIterable<Json[]>;
  /** Records that may have files. */
  table?: string;
  /** Whether the change log has their changes. */
  isLogged: boolean;
}

const codecs = new Map<string, JsonCodec>();
const jsonOf = {
  association: codecOf(AssociationsServiceService.getAssociation.path),
  merge: codecOf(MergesServiceService.getMerge.path),
  file: codecOf(FilesServiceService.getFile.path),
  consent: codecOf(ConsentsServiceService.getConsent.path),
  suppression: codecOf(SuppressionsServiceService.getSuppression.path),
};

/** All kinds except files. The lists are read sequentially, as the reader consumes them. */
export function listsOf(reader: EntityManager, key: SuppressionKey, customers: CustomerMessage[]): PersonalList[] {
  const ids = customers.map(({ id }) => id);
  return [
    { name: 'associations', pages: associationPages(reader, ids), isLogged: true },
    { name: 'merges', pages: mergePages(reader, ids), isLogged: true },
    { name: 'consents', pages: consentPages(reader, ids), isLogged: true },
    { name: 'suppressions', pages: suppressionPage(reader, key, customers), isLogged: false },
    ...referrers().map(({ type, fields }) => ({
      ...{ name: type.plural, table: type.table, isLogged: true },
      pages: referringPages(reader, type, fields, ids),
    })),
  ];
}

/** Metadata of the records' files; the bytes are downloaded separately. @param records resource names */
export async function* filePages(reader: EntityManager, records: readonly string[]): AsyncGenerator<Json[]> {
  const { tenantId } = currentCaller();
  for (let start = 0; start < records.length; start += namesAtATime) {
    const record = { $in: records.slice(start, start + namesAtATime) };
    yield* inPages(async (after) => {
      const where = { tenantId, record, ...(after !== undefined && { id: { $gt: after } }) };
      const options = { orderBy: { id: 'asc' as const }, limit: pageSize, disableIdentityMap: true };
      const files = await reader.find(File, where, options);
      return (await fileMessages(files)).map((file) => jsonOf.file.toJson(file as unknown as Json));
    });
  }
}

export async function rowsOf<Row>(reader: EntityManager, statement: Statement): Promise<Row[]> {
  const [rows = []] = await transactionPipeline(reader, [statement]);
  return rows as Row[];
}

function associationPages(reader: EntityManager, ids: readonly string[]): AsyncGenerator<Json[]> {
  return inPages(async (after) => {
    const rows = await rowsOf<StoredAssociation>(reader, associationsOf(ids, after, pageSize));
    return rows.map((row) => jsonOf.association.toJson(associationMessage(row) as unknown as Json));
  });
}

function mergePages(reader: EntityManager, ids: readonly string[]): AsyncGenerator<Json[]> {
  const { tenantId } = currentCaller();
  const ends = ids.map((id): [string, string] => [tenantId, id]);
  return inPages(async (after) => {
    const where = { tenantId, ...(after !== undefined && { id: { $gt: after } }) };
    const rows = await findMergeRecords(
      reader,
      { ...where, $or: ends.flatMap((end) => [{ customer: end }, { merged: end }]) },
      { orderBy: { id: 'asc' }, limit: pageSize },
    );
    return rows.map((row) => jsonOf.merge.toJson(mergeMessage(row) as unknown as Json));
  });
}

function consentPages(reader: EntityManager, ids: readonly string[]): AsyncGenerator<Json[]> {
  return inPages(async (after) => {
    const rows = await rowsOf<ConsentRow>(reader, {
      name: 'consents_of_person',
      sql: `select ${consentColumns} from consent
        where tenant_id = $1 and customer_id = any ($2::uuid[]) and ($3::uuid is null or id > $3) order by id limit $4`,
      values: [currentCaller().tenantId, ids, after ?? null, pageSize],
    });
    return (await consentMessages(rows)).map((consent) => jsonOf.consent.toJson(consent as unknown as Json));
  });
}

/** At most a few for each address of the person. */
async function* suppressionPage(
  reader: EntityManager,
  key: SuppressionKey,
  customers: CustomerMessage[],
): AsyncGenerator<Json[]> {
  const ids = customers.map(({ id }) => id);
  const addresses = customers.flatMap(addressesOf);
  const rows = await rowsOf<SuppressionRow>(reader, suppressionsOfCustomers(key, ids, addresses));
  yield rows.map((row) => jsonOf.suppression.toJson(suppressionMessage(row) as unknown as Json));
}

/** Record types with references to customers and copies of their data, with the referring columns. */
function referrers(): { type: RecordType; fields: ReferringField[] }[] {
  const fields = referringFields(customerType()).filter(
    ({ type, index, isFollowing }) => type !== customerType() && index.onErase !== OnErase.KEEP && !isFollowing,
  );
  return [...Map.groupBy(fields, ({ type }) => type)].map(([type, own]) => ({ type, fields: own }));
}

function referringPages(
  reader: EntityManager,
  type: RecordType,
  fields: readonly ReferringField[],
  ids: readonly string[],
): AsyncGenerator<Json[]> {
  return inPages(async (after) => {
    const rows = await rowsOf<StoredRecord>(reader, {
      name: `${type.table}s_of_person`,
      sql: `select ${shownColumns(type)} from ${type.table}
        where tenant_id = $1 and (${fields.map((field) => refersTo(field, customerType(), '$2::uuid[]')).join(' or ')})
          and ($3::uuid is null or id > $3)
        order by id limit $4`,
      values: [currentCaller().tenantId, [...ids], after ?? null, pageSize],
      row: rowReader(type),
    });
    return (await openStored(type, rows)).map((record) => recordValue(type, record));
  });
}

/** @param read the page after a record, in the order of ids */
async function* inPages(read: (after: string | undefined) => Promise<Json[]>): AsyncGenerator<Json[]> {
  let after: string | undefined;
  do {
    const page = await read(after);
    yield page;
    after = page.length === pageSize ? (page.at(-1)?.['id'] as string) : undefined;
  } while (after !== undefined);
}

/** @param path of the method that returns the record */
function codecOf(path: string): JsonCodec {
  return JsonCodec.of(methodDescriptor(path).output, codecs);
}
