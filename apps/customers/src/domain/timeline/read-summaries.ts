import type { EntityManager } from '@mikro-orm/postgresql';
import { TimelineKind } from '@rapport/contracts/rapport/work/v1/timeline_service';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { typeOfTable } from '../../engine/fields/record-names.js';
import { File } from '../../engine/files/file.entity.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { fileMessages } from '../files/file-message.js';
import type { TimelineRow } from './timeline-sources.js';

/** The titles of the records of entries, decrypted, by their ids. The records of a type are read together. */
export async function readSummaries(em: EntityManager, rows: readonly TimelineRow[]): Promise<Map<string, string>> {
  const titled = rows.filter(({ kind, note }) => kind !== TimelineKind.CHANGE && note === null);
  const summaries = new Map<string, string>();
  for (const [table, own] of Map.groupBy(titled, ({ refTable }) => refTable)) {
    const ids = [...new Set(own.map(({ refId }) => refId))];
    const titles = table === 'file' ? await fileNames(em, ids) : await titlesOf(em, table, ids);
    for (const [id, title] of titles) summaries.set(id, title);
  }
  return summaries;
}

/** The titles of the records of a type that are live and visible to the caller, decrypted. */
export async function titlesOf(em: EntityManager, table: string, ids: readonly string[]): Promise<[string, string][]> {
  const type = typeOfTable(table);
  const title = type.contract.fields.find(({ index, desc }) => index.search && desc.fieldKind === 'scalar')?.name ?? '';
  const records = await openStored(type, await queryRows<StoredRecord>(em, liveRecords(type, ids)));
  return records.map((record) => [record.id, (record as unknown as Record<string, string>)[title] ?? '']);
}

async function fileNames(em: EntityManager, ids: readonly string[]): Promise<[string, string][]> {
  const where = { tenantId: currentCaller().tenantId, id: { $in: [...ids] }, deleteTime: null };
  const files = await fileMessages(await em.find(File, where, { disableIdentityMap: true }));
  return files.map(({ id, name }) => [id, name]);
}
