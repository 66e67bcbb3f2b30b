import type { EntityManager } from '@mikro-orm/postgresql';
import { OnDelete } from '@rapport/contracts/rapport/api/v1/options';
import { currentCaller } from '@rapport/platform';
import { idsWithFiles } from '../../files/files-of-records.js';
import type { RecordMessage } from '../../fields/record-definition.js';
import { onceAmongTypes, recordType, recordTypes, type RecordType } from '../../fields/record-type.js';
import { customReferences, customReferenceTerm } from '../../records/referring/custom-references.js';
import { recordLinks } from '../../records/referring/link-tables.js';
import { onceFor } from '../../values/once-for.js';

/** An import's change to a record. The column of its id has the name of an earlier release. */
export interface Change {
  customer_id: string;
  /** The record before the import; null for one that the import created. */
  before: RecordMessage | null;
  /** Whether values of the former record are lost: an erasure destroyed their key. */
  isErased?: boolean;
  /** The version after the import. */
  version: number;
}

/**
 * The locked records that others refer to: by a foreign key, except their own keys and dependents; by custom fields; or
 * by files. No new references can appear, since these require the lock that we hold.
 */
export async function linkedIds(em: EntityManager, type: RecordType, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const links = await em.execute<{ table: string; column: string }[]>(
    `select conrelid::regclass::text as table, quote_ident(attname) as column
     from pg_constraint
     join pg_attribute on attrelid = conrelid and attnum = any (conkey) and attname <> 'tenant_id'
     where contype = 'f' and confrelid = ?::regclass and conrelid <> ?::regclass`,
    [type.table, `${type.table}_key`],
  );
  const { tenantId } = currentCaller();
  const own = new Set(ownRecords(type).map(({ table }) => table));
  const linked = new Set<string>();
  for (const { table, column } of links.filter((link) => !own.has(link.table))) {
    const rows = await em.execute<{ id: string }[]>(
      `select distinct ${column} as id from ${table} where tenant_id = ? and ${column} in (?)`,
      [tenantId, ids],
    );
    for (const { id } of rows) linked.add(id);
  }
  for (const id of await associatedIds(em, ids)) linked.add(id);
  for (const id of await referencedIds(em, type, ids)) linked.add(id);
  for (const id of await idsWithFiles(em, type, ids)) linked.add(id);
  return linked;
}

/** Associations with records of other types have no foreign keys. */
async function associatedIds(em: EntityManager, ids: string[]): Promise<string[]> {
  const { table, from, to } = recordLinks;
  const { tenantId } = currentCaller();
  const ends = [from, to].map((end) => `select ${end} as id from ${table} where tenant_id = ? and ${end} in (?)`);
  const rows = await em.execute<{ id: string }[]>(ends.join(' union '), [tenantId, ids, tenantId, ids]);
  return rows.map(({ id }) => id);
}

/**
 * Records that only the service writes, as dependents of a record, such as a deal's stage entries: they are removed
 * with it.
 */
export const ownRecords = onceAmongTypes((type: RecordType): readonly { table: string; column: string }[] =>
  [...recordTypes()].flatMap(({ table, contract }) =>
    contract.options.readOnly
      ? contract.fields
          .filter(({ reference }) => reference === type.contract.type)
          .map(({ column }) => ({ table, column }))
      : [],
  ),
);

/** The customers among records of a type to which custom fields of others refer. */
async function referencedIds(em: EntityManager, type: RecordType, ids: string[]): Promise<string[]> {
  if (type.contract.type !== 'rapport/Customer') return [];
  const { tenantId } = currentCaller();
  const found: string[] = [];
  for (const [{ table }, fields] of Map.groupBy(await customReferences(em), (reference) => reference.type)) {
    const wanted = fields.flatMap((field) => ids.map((id) => ({ id, term: customReferenceTerm(field, id) })));
    const rows = await em.execute<{ id: string }[]>(
      `select distinct wanted.id
       from jsonb_to_recordset(?) as wanted (id uuid, term text)
       join (
         select ${table}.id as by, unnest(terms) as term from ${table}
         where tenant_id = ? and terms && array(select jsonb_array_elements_text(?))
       ) reference on reference.term = wanted.term and reference.by <> wanted.id`,
      [JSON.stringify(wanted), tenantId, JSON.stringify(wanted.map(({ term }) => term))],
    );
    found.push(...rows.map(({ id }) => id));
  }
  return found;
}

/** The references of a type, as its records had them. */
const references = onceFor((type: RecordType) =>
  type.contract.fields.flatMap(({ name, reference, index, writable }) =>
    reference === undefined || writable === 'NEVER'
      ? []
      : [{ name, target: recordType(reference), isRestricted: index.onDelete === OnDelete.RESTRICT }],
  ),
);

/** A former reference of some records. */
interface FormerReference {
  name: string;
  id: string;
}

/**
 * The former references without a valid target: no record, live or deleted, or a deleted one that would have to be
 * live. The other targets are locked until the transaction ends.
 *
 * @param isOwn whether of references to records of the type itself, or to others. Others are locked before the records
 */
export async function lostReferences(
  em: EntityManager,
  type: RecordType,
  changes: readonly Change[],
  isOwn: boolean,
): Promise<(record: RecordMessage) => FormerReference | undefined> {
  const concerned = references(type).filter(({ target }) => (target === type) === isOwn);
  const isThere = new Map<RecordType, Map<string, boolean>>();
  for (const target of new Set(concerned.map((reference) => reference.target))) {
    const names = concerned.filter((reference) => reference.target === target).map(({ name }) => name);
    const ids = changes.flatMap(({ before }) => names.flatMap((name) => (before && idAt(before, name)) ?? []));
    isThere.set(target, await lockTargets(em, target, ids));
  }
  return (record) => {
    for (const { name, target, isRestricted } of concerned) {
      const id = idAt(record, name);
      const isLive = id === undefined ? true : isThere.get(target)?.get(id);
      if (id !== undefined && (isLive === undefined || (isRestricted && !isLive))) return { name, id };
    }
    return undefined;
  };
}

function idAt(record: RecordMessage, name: string): string | undefined {
  const id = (record as unknown as Record<string, string | undefined>)[name];
  return id === '' ? undefined : id;
}

/** The existing ones among some records, and whether they are live. */
async function lockTargets(em: EntityManager, { table }: RecordType, ids: string[]): Promise<Map<string, boolean>> {
  if (ids.length === 0) return new Map();
  const rows = await em.execute<{ id: string; is_live: boolean }[]>(
    `select id, delete_time is null as is_live from ${table} where tenant_id = ? and id in (?) order by id for key share`,
    [currentCaller().tenantId, [...new Set(ids)]],
  );
  return new Map(rows.map(({ id, is_live }) => [id, is_live]));
}
