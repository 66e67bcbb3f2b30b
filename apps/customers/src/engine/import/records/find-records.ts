import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { ownersOf, type OwnerRow } from '../../records/claim-unique-values.js';
import { sortedText } from '../../records/record-content.js';
import { type StoredRecord, openStored } from '../../records/record-rows.js';
import { lockRecords } from '../../records/record-statements.js';
import { neededLinks, type LinkedRecords } from '../../records/references.js';
import { uniqueValues } from '../../records/unique-values.js';
import { currentSeal } from '../../sealing/seal.js';
import { onceFor } from '../../values/once-for.js';
import type { ImportRules, NameRules } from '../import-rules.js';
import type { PreparedRow } from '../rows/prepare-row.js';
import { ImportRecords, maxNamesakes } from './import-record.js';
import type { MetRecords } from './met-records.js';

/** Most of them for all rows of a chunk, since each is in memory. The oldest of a name come first. */
export const maxNamesakesInAll = 5_000;

/** Candidate records of the rows of a chunk, before any is locked. */
export interface Candidates {
  ids: string[];
  /** Owners of the keys of rows. */
  owners: OwnerRow[];
}

/** The records that share a key with one of the rows, or have the same name and no key. */
export async function findCandidates(em: EntityManager, rules: ImportRules, rows: PreparedRow[]): Promise<Candidates> {
  const { type, names } = rules;
  const owners = await ownersByKey(em, type, rows);
  const namesakes = names ? await idsByName(em, type, names, keylessNames(rules, rows)) : [];
  return { ids: [...ownIds(rows), ...owners.flatMap(({ record_id }) => record_id ?? []), ...namesakes], owners };
}

/** The live candidates, in the order of their ids and locked until the transaction ends. */
export async function lockCandidates(
  em: EntityManager,
  rules: ImportRules,
  { ids, owners }: Candidates,
  { met, linked }: { met: MetRecords; linked: LinkedRecords },
): Promise<ImportRecords> {
  const { type } = rules;
  const found = ids.length === 0 ? [] : await queryRows<StoredRecord>(em, lockRecords(type, ids));
  const live = await openStored(
    type,
    found.filter(({ record }) => record.deleteTime === undefined),
  );
  await linked.lock(
    em,
    live.flatMap((record) => neededLinks(type, record)),
  );
  const records = recordsOf(rules, linked, live, await met.find(em, ids));
  for (const { record_id, ...value } of owners) if (record_id === null) records.hide(value);
  return records;
}

/** @param met records that earlier rows matched, and whether they set the name */
export function recordsOf(
  rules: ImportRules,
  linked: LinkedRecords,
  live: RecordMessage[],
  met: ReadonlyMap<string, boolean>,
): ImportRecords {
  const records = new ImportRecords(rules, linked);
  for (const stored of live) {
    const named = met.get(stored.id);
    records.put({
      id: stored.id,
      stored,
      record: stored,
      changed: false,
      met: named !== undefined,
      named: named ?? false,
    });
  }
  return records;
}

/** The ids of records that rows contain. */
export function ownIds(rows: PreparedRow[]): string[] {
  return rows.flatMap(({ record: { id } }) => (id === '' ? [] : [id]));
}

/** The owners of the keys of rows. */
async function ownersByKey(em: EntityManager, type: RecordType, rows: PreparedRow[]): Promise<OwnerRow[]> {
  const values = rows.flatMap(({ record }) => uniqueValues(type, record));
  return values.length === 0 ? [] : queryRows<OwnerRow>(em, ownersOf(type, values));
}

/** Records without any key that have one of some names. */
export async function idsByName(
  em: EntityManager,
  type: RecordType,
  { column, sortColumn }: NameRules,
  names: { sort_name: string; name: string }[],
): Promise<string[]> {
  if (names.length === 0) return [];
  // A sealed name can't be compared. The sort name, a keyed hash, is that of few other spellings of the name.
  const hasName = currentSeal() && type.isPersonal(column) ? 'true' : `${column} = wanted.name`;
  const found = await em.execute<{ id: string }[]>(
    `select namesake.id
     from (select distinct * from jsonb_to_recordset(?) as name (sort_name text, name text)) wanted
     cross join lateral (
       select id, row_number() over (order by id) as place from (
         select id from ${type.table}
         where tenant_id = ? and ${sortColumn} = wanted.sort_name and ${hasName}
           and ${isKeyless(type)} and delete_time is null
         order by id limit ${maxNamesakes}) first
     ) namesake
     order by place, id limit ${maxNamesakesInAll}`,
    [JSON.stringify(names), currentCaller().tenantId],
  );
  return found.map(({ id }) => id);
}

/** SQL: whether a record has no unique value. */
const isKeyless = onceFor((type: RecordType): string =>
  type.namedFields
    .filter(({ field }) => field.index.unique)
    .map(({ field, list }) => {
      const { column, desc, parts } = list ?? field;
      if (desc.fieldKind !== 'list') return `${column} is null`;
      return `${column} = '${parts.length > 0 ? '[]' : '{}'}'`;
    })
    .join(' and '),
);

/** The names of the rows without keys. */
export function keylessNames(rules: ImportRules, rows: PreparedRow[]): { sort_name: string; name: string }[] {
  const { type, names } = rules;
  if (!names) return [];
  return rows
    .filter(({ record }) => uniqueValues(type, record).length === 0)
    .map(({ record }) => rules.nameOf(record))
    .map((name) => ({ sort_name: sortedText(type, names.column, name), name }));
}
