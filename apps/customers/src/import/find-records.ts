import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { currentCaller } from '@rapport/platform';
import { uniqueValues } from '../customer-keys.js';
import { customerMessage } from '../customer-message.js';
import { Customer } from '../customer.entity.js';
import { sortName } from '../search-text.js';
import { CustomerRecords } from './customer-record.js';
import type { PreparedRow } from './prepare-row.js';
import { quote, warning } from './row-issue.js';

/** Most customers of one name and without any key that a row without one is compared with. */
const maxNamesakes = 100;

/**
 * The live customers that share a key with one of the rows, or have like one of them a name and no key, in the order of
 * their ids and locked until the transaction ends.
 */
export async function findRecords(em: EntityManager, rows: PreparedRow[]): Promise<CustomerRecords> {
  const { tenantId } = currentCaller();
  const ids = [...(await idsByKey(em, tenantId, rows)), ...(await idsByName(em, tenantId, rows))];
  const customers = await em.find(
    Customer,
    { tenantId, id: { $in: [...new Set(ids)] }, deleteTime: null },
    // Locked in one order for all, so that two imports wait for each other and not both for ever.
    { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE, disableIdentityMap: true },
  );
  const met = await metEarlier(em, ids);
  const records = new CustomerRecords();
  for (const entity of customers) {
    const stored = customerMessage(entity);
    const named = met.get(stored.id);
    records.put({
      id: stored.id,
      stored,
      customer: stored,
      changed: false,
      met: named !== undefined,
      named: named ?? false,
    });
  }
  return records;
}

/** Takes out of the rows, with a WARNING, what is not the id of a live company. The companies stay live meanwhile. */
export async function checkCompanies(em: EntityManager, rows: PreparedRow[]): Promise<void> {
  const wanted = rows.filter(({ customer }) => customer.companyId !== undefined);
  if (wanted.length === 0) return;
  const companies = await em.execute<{ id: string }[]>(
    `select id from customer
     where tenant_id = ? and id in (?) and kind = 'COMPANY' and delete_time is null
     order by id for share`,
    [currentCaller().tenantId, wanted.map(({ customer }) => customer.companyId)],
  );
  const known = new Set(companies.map(({ id }) => id));
  for (const { customer, issues } of wanted) {
    if (known.has(customer.companyId ?? '')) continue;
    const message = `${quote(customer.companyId)} was left out: it is not the id of a company.`;
    issues.push(warning('COMPANY_NOT_FOUND', message, { field: 'companyId' }));
    customer.companyId = undefined;
  }
}

async function idsByKey(em: EntityManager, tenantId: string, rows: PreparedRow[]): Promise<string[]> {
  const values = rows.flatMap(({ customer }) => uniqueValues(customer));
  if (values.length === 0) return [];
  const found = await em.execute<{ customer_id: string }[]>(
    `select customer_id from customer_key
     join (select distinct type, value from jsonb_to_recordset(?) as key (type text, value text)) wanted
       using (type, value)
     where tenant_id = ?`,
    [JSON.stringify(values), tenantId],
  );
  return found.map(({ customer_id }) => customer_id);
}

async function idsByName(em: EntityManager, tenantId: string, rows: PreparedRow[]): Promise<string[]> {
  const names = rows
    .filter(({ customer }) => uniqueValues(customer).length === 0)
    .map(({ customer: { displayName = '' } }) => ({ sort_name: sortName(displayName), display_name: displayName }));
  if (names.length === 0) return [];
  const found = await em.execute<{ id: string }[]>(
    `select namesake.id
     from (select distinct * from jsonb_to_recordset(?) as name (sort_name text, display_name text)) wanted
     cross join lateral (
       select id from customer
       where tenant_id = ? and sort_name = wanted.sort_name and display_name = wanted.display_name
         and emails = '[]' and domains = '{}' and external_ids = '[]' and delete_time is null
       order by id limit ${maxNamesakes}
     ) namesake`,
    [JSON.stringify(names), tenantId],
  );
  return found.map(({ id }) => id);
}

/** Which customers earlier chunks have met, and whether their rows gave a display name. */
async function metEarlier(em: EntityManager, ids: string[]): Promise<Map<string, boolean>> {
  if (ids.length === 0) return new Map();
  const met = await em.execute<{ customer_id: string; named: boolean }[]>(
    'select customer_id, named from import_met where customer_id in (?)',
    [ids],
  );
  return new Map(met.map(({ customer_id, named }) => [customer_id, named]));
}
