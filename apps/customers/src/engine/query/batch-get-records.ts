import type { EntityManager } from '@mikro-orm/postgresql';
import { readForTenant } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { openStored, rowReader, shownColumns, type StoredRecord } from '../records/record-rows.js';
import { liveRecords } from '../records/record-statements.js';
import { allOf, type Condition } from './filter/condition.js';
import { ownConditions } from './list/list-conditions.js';
import { ofTenant } from './list/page-statements.js';
import { byId, executeWith } from './list/planner-settings.js';

/** Request of the standard method `batchGet`. */
export interface BatchGetRequest {
  ids: string[];
  filter?: string | undefined;
}

/** The found records, and the ids of missing ones. */
export interface FoundRecords<Message> {
  records: Message[];
  missingIds: string[];
  unmetIds: string[];
}

/** Handles the method `batchGet` of a type. */
export async function batchGetRecords<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  { ids, filter = '' }: BatchGetRequest,
): Promise<FoundRecords<Message>> {
  const wanted = [...new Set(ids)];
  const conditions = await ownConditions(em, type, filter);
  const stored =
    conditions.length === 0
      ? await readForTenant<StoredRecord<Message>>(em, liveRecords(type, wanted))
      : await readTested(em, type, wanted, conditions);
  const unmet = new Set(stored.filter(({ more: [isMet] }) => isMet === 'f').map(({ record }) => record.id));
  const byRecordId = new Map((await openStored(type, stored)).map((record) => [record.id, record]));
  return {
    records: wanted.flatMap((id) => byRecordId.get(id) ?? []),
    missingIds: wanted.filter((id) => !byRecordId.has(id)),
    unmetIds: wanted.filter((id) => unmet.has(id)),
  };
}

/** One statement, so that visibility and content are from one moment. */
function readTested<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  ids: readonly string[],
  conditions: Condition[],
): Promise<StoredRecord<Message>[]> {
  const { table } = type;
  const { row: test } = allOf(conditions);
  const { sql, params } = ofTenant({ type, tenantId: currentCaller().tenantId, live: true });
  return executeWith<StoredRecord<Message>>(em, byId, {
    isScan: false,
    sql: `select ${shownColumns(type)}, (${test.sql}) as is_met from ${table}
      where ${sql} and ${table}.id = any (?::uuid[])`,
    params: [...test.params, ...params, `{${ids.join(',')}}`],
    row: rowReader(type),
  });
}
