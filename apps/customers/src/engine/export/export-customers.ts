import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { ExportFormat, type ExportCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { recordAuditEvent } from '@rapport/persistence';
import { currentCaller, seesSomeOnly } from '@rapport/platform';
import type { BulkPlace } from '../pace/bulk-place.js';
import type { BulkWork } from '../pace/bulk-work.js';
import { CustomFields } from '../fields/custom-fields.js';
import { conditionsOf } from '../query/list/list-conditions.js';
import { shownToCaller } from '../fields/hidden-data.js';
import { csvLine } from '../values/csv-line.js';
import { recordJson, readColumns } from '../query/record-json.js';
import { snapshotRecords } from '../query/snapshot-records.js';
import { customerType } from '../records/customers/customer-type.js';
import { csvColumns } from './csv-columns.js';

/** What the file says of a customer. */
type WriteCustomer = (customer: CustomerMessage) => string;

/** Least length of a piece of the file, but the last ones, in UTF-16 units. The call keeps some pieces for a reader that is slow. */
const pieceLength = 64 * 1_024;

/**
 * Answers ExportCustomers: the customers as they were when the first of them was read, in the order of their ids. A piece
 * is made when the one before was taken.
 *
 * @throws AppError INVALID_ARGUMENT for the filter, `q` and columns
 * @throws AppError RESOURCE_EXHAUSTED while too many exports of the tenant run
 * @throws AppError ABORTED READER_TOO_SLOW
 */
export async function* exportCustomers(
  em: EntityManager,
  bulk: BulkWork,
  request: ExportCustomersRequest,
): AsyncGenerator<HttpBody, void> {
  const columns = readColumns(customerType(), request.columns);
  const place = await bulk.exports.enter();
  try {
    yield* exportSnapshot(em, place, request, columns);
  } finally {
    place.leave();
  }
}

async function* exportSnapshot(
  em: EntityManager,
  place: BulkPlace,
  request: ExportCustomersRequest,
  columns: string[],
): AsyncGenerator<HttpBody, void> {
  const { conditions } = await conditionsOf(em, customerType(), request);
  // Not the filter, which may name a person.
  const detail = { of: 'customers', format: ExportFormat[request.format], columns: request.columns };
  await recordAuditEvent(em, { kind: 'EXPORT', detail });
  const batches = snapshotRecords(em, customerType(), conditions, (reader) =>
    fileFormat(reader, request.format, columns),
  );
  let isFirst = true;
  for await (const { context: format, records } of place.read(batches, (batch) => batch.records.length)) {
    if (isFirst) yield piece(format.contentType, format.head);
    isFirst = false;
    for (const text of joined(records, format.write)) yield piece('', text);
  }
}

/** The texts of customers, joined to pieces. */
function* joined(customers: CustomerMessage[], write: WriteCustomer): Generator<string, void> {
  let text = '';
  for (const customer of customers) {
    text += write(customer);
    if (text.length < pieceLength) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

async function fileFormat(
  em: EntityManager,
  format: ExportFormat,
  fields: string[],
): Promise<{ contentType: string; head: string; write: WriteCustomer }> {
  if (format !== ExportFormat.CSV && format !== ExportFormat.CSV_SEMICOLON) {
    const write: WriteCustomer = (customer) => `${recordJson(customerType(), customer, fields)}\n`;
    return { contentType: 'application/x-ndjson', head: '', write };
  }
  const type = customerType();
  const delimiter = format === ExportFormat.CSV ? ',' : ';';
  const columns = csvColumns(await externalSystems(em), await CustomFields.load(em), fields);
  return {
    contentType: 'text/csv; charset=utf-8',
    // With the mark spreadsheets know that it is UTF-8.
    head: `\ufeff${csvLine(
      columns.map(({ name }) => name),
      delimiter,
    )}`,
    write: (customer) => {
      const shown = shownToCaller(type.message, customer);
      return csvLine(
        columns.map((column) => column.text(shown) ?? ''),
        delimiter,
      );
    },
  };
}

/** The systems of external ids that live customers have. */
async function externalSystems(em: EntityManager): Promise<string[]> {
  const { tenantId } = currentCaller();
  const rows = await (seesSomeOnly() ? systemsOfSeen(em, tenantId) : systemsOfKeys(em, tenantId));
  return rows.map(({ system }) => system);
}

/** From the customers themselves: a key does not tell who may see it. */
function systemsOfSeen(em: EntityManager, tenantId: string): Promise<{ system: string }[]> {
  return em.execute<{ system: string }[]>(
    `select distinct item->>'system' as system from customer, jsonb_array_elements(external_ids) item
     where tenant_id = ? and delete_time is null order by system`,
    [tenantId],
  );
}

/** Jumps from one to the next in the index of the keys. */
function systemsOfKeys(em: EntityManager, tenantId: string): Promise<{ system: string }[]> {
  return em.execute<{ system: string }[]>(
    `with recursive found as (
       select (select split_part(value, '/', 1) from customer_key
         where tenant_id = ? and type = 'EXTERNAL_ID' order by value limit 1) as system
       union all
       select (select split_part(value, '/', 1) from customer_key
         where tenant_id = ? and type = 'EXTERNAL_ID' and value >= found.system || '0' order by value limit 1)
       from found where found.system is not null
     ) select system from found where system is not null`,
    [tenantId, tenantId],
  );
}

function piece(contentType: string, text: string): HttpBody {
  return { contentType, data: Buffer.from(text), extensions: [] };
}
