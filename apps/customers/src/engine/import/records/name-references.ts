import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordType } from '../../fields/record-type.js';
import { ownersOf, valueText, type OwnerRow } from '../../records/claim-unique-values.js';
import { usersNamed } from '../../records/scope/known-owners.js';
import type { NamedReference } from '../import-rules.js';
import type { PreparedRow } from '../rows/prepare-row.js';
import { error, quote, warning } from '../rows/row-issue.js';

type Values = Record<string, unknown>;

/** Ids by the texts of references, in lower case. Several ids for an ambiguous text. */
type Found = ReadonlyMap<string, readonly string[]>;

/**
 * Resolves the records and users that rows name by something else than ids. A reference that leads to no record, or to
 * several, is omitted with a WARNING; if it is required, the row is refused.
 */
export async function nameReferences(em: EntityManager, rows: readonly PreparedRow[]): Promise<void> {
  const named = rows.flatMap((row) => row.named);
  if (named.length === 0) return;
  const idsOf = await resolver(em, named);
  for (const row of rows) {
    for (const reference of row.named) {
      const ids = idsOf(reference);
      const [id] = ids;
      if (id !== undefined && ids.length === 1) put(row, reference, id);
      else refuseOrWarn(row, reference, ids.length);
    }
  }
}

async function resolver(
  em: EntityManager,
  named: readonly NamedReference[],
): Promise<(reference: NamedReference) => readonly string[]> {
  const [byKey, byName] = [new Map<RecordType, Found>(), new Map<RecordType, Found>()];
  for (const target of targetsOf(named, 'KEY')) byKey.set(target, await findByKeys(em, target, named));
  for (const target of targetsOf(named, 'NAME')) byName.set(target, await findByNames(em, target, named));
  const users = await usersNamed(named.flatMap(({ by, text }) => (by === 'USER' ? [text] : [])));
  return (reference) => {
    switch (reference.by) {
      case 'KEY':
        return (reference.value && byKey.get(reference.target)?.get(valueText(reference.value))) ?? [];
      case 'NAME':
        return byName.get(reference.target)?.get(reference.text.toLowerCase()) ?? [];
      case 'USER':
        return users.get(reference.text) ?? [];
    }
  };
}

function targetsOf(named: readonly NamedReference[], by: 'KEY' | 'NAME'): Set<RecordType> {
  return new Set(named.flatMap((each) => (each.by !== 'USER' && each.by === by ? [each.target] : [])));
}

async function findByKeys(em: EntityManager, target: RecordType, named: readonly NamedReference[]): Promise<Found> {
  const values = named.flatMap((each) => (each.by === 'KEY' && each.target === target ? (each.value ?? []) : []));
  if (values.length === 0) return new Map();
  const rows = await queryRows<OwnerRow>(em, ownersOf(target, values));
  return new Map(rows.flatMap((row) => (row.record_id === null ? [] : [[valueText(row), [row.record_id]] as const])));
}

/** Only for configuration, of which a workspace has little. */
async function findByNames(em: EntityManager, target: RecordType, named: readonly NamedReference[]): Promise<Found> {
  const texts = named.flatMap((each) => (each.by === 'NAME' && each.target === target ? [each.text] : []));
  const rows = await queryRows<{ id: string; name: string }>(em, {
    name: `${target.table}_by_name`,
    sql: `select id, lower(name) as name from ${target.table}
      where tenant_id = $1 and delete_time is null and lower(name) = any ($2) order by id limit 1000`,
    values: [currentCaller().tenantId, [...new Set(texts.map((text) => text.toLowerCase()))]],
  });
  const groups = Map.groupBy(rows, ({ name }) => name);
  return new Map([...groups].map(([name, own]) => [name, own.map(({ id }) => id)]));
}

/** A value of another column stays. */
function put({ record }: PreparedRow, reference: NamedReference, id: string): void {
  const values = record as unknown as Values;
  const { field } = reference;
  if (!reference.isListed || reference.by !== 'KEY') {
    values[field] ??= id;
    return;
  }
  const type = reference.target.singular;
  const listed = values[field] as readonly { type: string; id: string }[];
  if (!listed.some((each) => each.id === id && each.type === type)) values[field] = [...listed, { type, id }];
}

function refuseOrWarn(row: PreparedRow, reference: NamedReference, count: number): void {
  const { field, isListed, isRequired, text } = reference;
  if (!isListed && (row.record as unknown as Values)[field] !== undefined) return;
  const [reason, noun, what] =
    reference.by === 'USER'
      ? (['USER_NOT_FOUND', 'user', 'the e-mail address or name'] as const)
      : ([`${reference.target.constant}_NOT_FOUND`, reference.target.singular, 'that'] as const);
  const message = count > 1 ? `${quote(text)} names ${count} ${noun}s` : `${quote(text)} is ${what} of no live ${noun}`;
  if (isRequired) row.refusal ??= error(reason, `${message}.`, { field });
  else row.issues.push(warning(reason, `${message}; it was omitted.`, { field }));
}
