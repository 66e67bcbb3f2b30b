import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { ExportFormat } from '@rapport/contracts/rapport/api/v1/records';
import { recordAuditEvent } from '@rapport/persistence';
import { csvLine, currentCaller, seesSomeOnly } from '@rapport/platform';
import type { BulkSlot } from '../pace/bulk-slot.js';
import type { BulkWork } from '../pace/bulk-work.js';
import { ofTenant } from '../query/list/page-statements.js';
import { uniquePrefix } from '../records/unique-values.js';
import { CustomFields } from '../fields/custom-fields.js';
import { shownToCaller } from '../fields/hidden-data.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { conditionsOf } from '../query/list/list-conditions.js';
import { recordJson, readColumns } from '../query/record-json.js';
import { snapshotRecords } from '../query/snapshot-records.js';
import { contractColumns, csvColumns, type CsvColumn } from './csv-columns.js';

/** Request of the standard method `export`. */
export interface ExportRequest {
  /** Number of an `ExportFormat`. */
  format: number;
  filter?: string | undefined;
  q?: string | undefined;
  columns: string[];
}

/** A record type and its CSV columns. */
interface Exported<Message extends RecordMessage> {
  type: RecordType<Message>;
  own: readonly CsvColumn<Message>[];
}

/** The text of a record in the file. */
type WriteRecord<Message> = (record: Message) => string;

/**
 * Minimum length of a piece of the file, except the last ones, in UTF-16 units. The call buffers some pieces for a slow
 * reader.
 */
const pieceLength = 64 * 1_024;

/**
 * Handles the method `export` of a type: the records as of the first read, in the order of their ids. Each piece is
 * created after the reader has consumed the previous one.
 *
 * @param own CSV columns except external ids and custom fields. By default those of the contract
 * @throws AppError INVALID_ARGUMENT for the filter, `q` and columns
 * @throws AppError RESOURCE_EXHAUSTED while too many exports of the tenant run
 * @throws AppError ABORTED READER_TOO_SLOW
 */
export async function* exportRecords<Message extends RecordMessage>(
  em: EntityManager,
  bulk: BulkWork,
  type: RecordType<Message>,
  request: ExportRequest,
  own: readonly CsvColumn<Message>[] = contractColumns(type),
): AsyncGenerator<HttpBody, void> {
  const fields = readColumns(type, request.columns);
  const place = await bulk.exports.enter();
  try {
    yield* exportSnapshot(em, place, { type, own }, { request, fields });
  } finally {
    place.leave();
  }
}

async function* exportSnapshot<Message extends RecordMessage>(
  em: EntityManager,
  place: BulkSlot,
  { type, own }: Exported<Message>,
  { request, fields }: { request: ExportRequest; fields: string[] },
): AsyncGenerator<HttpBody, void> {
  const { conditions } = await conditionsOf(em, type, request);
  // Without the filter, which may name a person.
  const detail = { of: type.plural, format: ExportFormat[request.format], columns: fields };
  await recordAuditEvent(em, { kind: 'EXPORT', detail });
  const batches = snapshotRecords(em, type, conditions, (reader) =>
    fileFormat(reader, { type, own }, request.format, fields),
  );
  let isFirst = true;
  for await (const { context: format, records } of place.read(batches, (batch) => batch.records.length)) {
    if (isFirst) yield piece(format.contentType, format.head);
    isFirst = false;
    for (const text of joined(records, format.write)) yield piece('', text);
  }
}

/** The texts of records, joined to pieces. */
function* joined<Message>(records: Message[], write: WriteRecord<Message>): Generator<string, void> {
  let text = '';
  for (const record of records) {
    text += write(record);
    if (text.length < pieceLength) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

async function fileFormat<Message extends RecordMessage>(
  em: EntityManager,
  { type, own }: Exported<Message>,
  format: ExportFormat,
  fields: string[],
): Promise<{ contentType: string; head: string; write: WriteRecord<Message> }> {
  if (format !== ExportFormat.CSV && format !== ExportFormat.CSV_SEMICOLON) {
    const write: WriteRecord<Message> = (record) => `${recordJson(type, record, fields)}\n`;
    return { contentType: 'application/x-ndjson', head: '', write };
  }
  const delimiter = format === ExportFormat.CSV ? ',' : ';';
  const has = { systems: await externalSystems(em, type), customFields: await CustomFields.load(em, type) };
  const columns = csvColumns(own, has, fields);
  return {
    contentType: 'text/csv; charset=utf-8',
    // With a byte order mark, by which spreadsheets recognize UTF-8.
    head: `\ufeff${csvLine(
      columns.map(({ name }) => name),
      { delimiter },
    )}`,
    write: (record) => {
      const shown = shownToCaller(type.message, record);
      return csvLine(
        columns.map((column) => column.text(shown) ?? ''),
        { delimiter },
      );
    },
  };
}

/** The systems of live records' external ids. */
async function externalSystems(em: EntityManager, type: RecordType): Promise<string[]> {
  if (!type.contract.fields.some(({ column }) => column === 'external_ids')) return [];
  const { tenantId } = currentCaller();
  const rows = await (seesSomeOnly() ? systemsOfSeen(em, type, tenantId) : systemsOfKeys(em, type, tenantId));
  return rows.map(({ system }) => system);
}

/** Reads the records themselves, because the key table has no owners. */
function systemsOfSeen(em: EntityManager, type: RecordType, tenantId: string): Promise<{ system: string }[]> {
  const { sql, params } = ofTenant({ type, tenantId, live: true });
  return em.execute<{ system: string }[]>(
    `select distinct item->>'system' as system from ${type.table}, jsonb_array_elements(external_ids) item
     where ${sql} order by system`,
    params,
  );
}

/** A loose index scan over the keys: jumps from one system to the next. */
function systemsOfKeys(em: EntityManager, type: RecordType, tenantId: string): Promise<{ system: string }[]> {
  const keys = `${type.table}_key where tenant_id = ? and type = 'EXTERNAL_ID'`;
  const prefix = uniquePrefix(type);
  return em.execute<{ system: string }[]>(
    `with recursive found as (
       select (select split_part(value, '/', 1) from ${keys} and value >= ? order by value limit 1) as system
       union all
       select (select split_part(value, '/', 1) from ${keys} and value >= found.system || '0' order by value limit 1)
       from found where starts_with(found.system, ?)
     ) select substr(system, length(?) + 1) as system from found where starts_with(system, ?)`,
    [tenantId, prefix, tenantId, prefix, prefix, prefix],
  );
}

function piece(contentType: string, text: string): HttpBody {
  return { contentType, data: Buffer.from(text), extensions: [] };
}
