import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import { ExportFormat, type ExportCustomersRequest } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, seesSomeOnly } from '@rapport/platform';
import { CustomFields } from '../custom-fields/custom-fields.js';
import { conditionsOf } from '../list/list-conditions.js';
import { shownToCaller } from '../privacy/hidden-data.js';
import { csvColumns } from './csv-columns.js';
import { csvLine } from './csv-line.js';
import { customerDescriptor, customerJson, readColumns } from './customer-json.js';
import { snapshotRows } from './snapshot-rows.js';

/** Exports of one process at a time: each holds a connection of the pool for as long as its reader takes. */
const maxRunning = 2;
let running = 0;

/** Makes a piece of the file of some customers. */
type WritePiece = (customers: CustomerMessage[]) => string;

/**
 * Answers ExportCustomers: the customers as they were when the first of them was read, in the order of their ids. A piece
 * is made when the one before was taken.
 *
 * @throws AppError INVALID_ARGUMENT for the filter, `q` and columns
 * @throws AppError RESOURCE_EXHAUSTED while too many exports run
 */
export async function* exportCustomers(
  em: EntityManager,
  request: ExportCustomersRequest,
): AsyncGenerator<HttpBody, void> {
  const columns = readColumns(request.columns);
  if (running >= maxRunning) {
    throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_EXPORTS', 'Too many exports are running. Try again later.', {
      retryAfterSeconds: 10,
    });
  }
  running += 1;
  try {
    yield* exportSnapshot(em, request, columns);
  } finally {
    running -= 1;
  }
}

async function* exportSnapshot(
  em: EntityManager,
  request: ExportCustomersRequest,
  columns: string[],
): AsyncGenerator<HttpBody, void> {
  const { conditions } = await conditionsOf(em, request);
  // Not the filter, which may name a person.
  const detail = { of: 'customers', format: ExportFormat[request.format], columns: request.columns };
  await recordAuditEvent(em, { kind: 'EXPORT', detail });
  const batches = snapshotRows(em, conditions, (reader) => fileFormat(reader, request.format, columns));
  let contentType = '';
  for await (const { context: format, customers } of batches) {
    const isFirst = contentType === '';
    contentType = format.contentType;
    yield isFirst ? piece(contentType, format.head) : piece('', format.write(customers));
  }
}

async function fileFormat(
  em: EntityManager,
  format: ExportFormat,
  fields: string[],
): Promise<{ contentType: string; head: string; write: WritePiece }> {
  if (format !== ExportFormat.CSV) {
    const write: WritePiece = (customers) =>
      customers.map((customer) => `${customerJson(customer, fields)}\n`).join('');
    return { contentType: 'application/x-ndjson', head: '', write };
  }
  const columns = csvColumns(await externalSystems(em), await CustomFields.load(em), fields);
  return {
    contentType: 'text/csv; charset=utf-8',
    // With the mark spreadsheets know that it is UTF-8.
    head: `\ufeff${csvLine(columns.map(({ name }) => name))}`,
    write: (customers) =>
      customers
        .map((customer) => shownToCaller(customerDescriptor, customer))
        .map((customer) => csvLine(columns.map((column) => column.text(customer) ?? '')))
        .join(''),
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
