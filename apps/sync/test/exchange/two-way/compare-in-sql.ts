import type { ExchangeTenant } from '../exchange-tenant.ts';
import { fieldsOf, type TypedField } from './typed-fields.ts';
import type { TypedDatabase } from './typed-table.ts';

/** PostgreSQL's types for what columns hold. */
const castsOf: Readonly<Record<TypedField['type'], string>> = {
  ...{ NUMBER: 'double precision', DECIMAL: 'numeric', BOOLEAN: 'boolean' },
  ...{ DATE: 'date', TIME: 'timestamptz', TEXT: 'text', SELECT: 'text' },
};

/**
 * Compares the rows of a table with the customers of a tenant by PostgreSQL, and by nothing of ours: the texts of the one database are
 * given to the other one, which has its own types, zones and decimal numbers.
 *
 * @returns what differs, by name
 */
export async function compareInSql(
  { engine, run }: TypedDatabase,
  tenant: ExchangeTenant,
  zone: string,
): Promise<{ name: string; fields: string[] }[]> {
  const fields = fieldsOf(engine);
  const text = ({ name, type }: TypedField) => {
    if (engine === 'POSTGRESQL') return name === 'document' ? `${name} #>> '{}'` : `${name}::text`;
    const isMoment = type === 'TIME' && name !== 'local';
    return isMoment ? `CONCAT(CONVERT_TZ(${name}, @@session.time_zone, '+00:00'), '+00')` : `CAST(${name} AS CHAR)`;
  };
  const columns = fields.map((field) => `COALESCE(${text(field)}, '') AS c_${field.name}`).join(', ');
  const rows = await run(`SELECT name, ${columns} FROM things WHERE deleted_at IS NULL`);
  const records = rows.map(([name, ...values]) => ({
    name,
    ...Object.fromEntries(fields.map((field, place) => [field.name, values[place] === '' ? null : values[place]])),
  }));
  const differences = fields.map(({ name, type }) => {
    const cast = castsOf[type];
    const theirs = name === 'local' ? `(peer.local::timestamp at time zone '${zone}')` : `peer.${name}::${cast}`;
    return `case when ${theirs} is distinct from (own.custom_fields->>'${name}')::${cast} then '${name}' end`;
  });
  return tenant.api.query<{ name: string; fields: string[] }>(
    `with peer as (select * from jsonb_to_recordset($2) as row (name text, ${fields.map(({ name }) => `${name} text`).join(', ')})),
       own as (select display_name as name, custom_fields from customer where tenant_id = $1 and delete_time is null)
     select name, fields from (
       select name, case when peer.name is null or own.name is null then array['alone']
         else array_remove(array[${differences.join(', ')}], null) end as fields
       from peer full join own using (name)) compared
     where cardinality(fields) > 0`,
    [tenant.api.tenant.tenantId, JSON.stringify(records)],
    'customers',
  );
}
