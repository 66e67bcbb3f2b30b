import type { EntityManager } from '@mikro-orm/postgresql';
import {
  SyncChoice,
  SyncConflictKind,
  type SyncConflict as SyncConflictMessage,
} from '@rapport/contracts/rapport/sync/v1/sync_conflicts_service';
import { queryRows } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import type { Choice } from '../../exchange/conflicts/choices.js';
import { conflictQuery, type ConflictRow, type RunStatement } from '../../exchange/conflicts/conflict-row.js';
import type { ConflictField } from '../../exchange/links/conflict-store.js';
import type { LinkAnswer } from '../../exchange/links/link.js';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';

interface CandidateRow {
  conflict_id: string;
  customer_id: string;
  record_id: string;
  score: number;
  reasons: string[];
  linked: boolean;
}

/** Maximum number of candidates in a conflict. */
const maxCandidates = 20;

/** @throws AppError NOT_FOUND, also for a conflict of another tenant */
export async function findConflict(em: EntityManager, id: string): Promise<ConflictRow> {
  const [row] = await queryRows<ConflictRow>(em, {
    sql: `${conflictQuery} and conflict.id = $2`,
    values: [currentCaller().tenantId, id],
  });
  if (row) return row;
  throw new AppError('NOT_FOUND', 'SYNC_CONFLICT_NOT_FOUND', 'There is no such conflict any more.');
}

function openFields(envelope: SecretEnvelope, tenantId: string, linkId: string, sealed: Buffer): ConflictField[] {
  const opened = envelope.open(Buffer.from(sealed), rowOwner('sync_conflict', tenantId, linkId));
  return JSON.parse(opened.toString()) as ConflictField[];
}

/** The messages of conflicts. Those of pairing have candidates. */
export async function conflictMessages(
  run: RunStatement,
  envelope: SecretEnvelope,
  tenantId: string,
  rows: readonly ConflictRow[],
): Promise<SyncConflictMessage[]> {
  const asked = rows.filter(({ kind }) => kind === 'PAIRING').map(({ id }) => id);
  const candidates = asked.length === 0 ? [] : await candidatesOf(run, tenantId, asked);
  return rows.map((row) => ({
    ...conflictMessage(envelope, tenantId, row),
    candidates: candidates
      .filter(({ conflict_id: id }) => id === row.id)
      .map(({ customer_id: customerId, record_id: recordId, score, reasons, linked }) => ({
        ...{ customerId, recordId, score, reasons, linked },
      })),
  }));
}

function candidatesOf(run: RunStatement, tenantId: string, conflictIds: readonly string[]): Promise<CandidateRow[]> {
  return run<CandidateRow>({
    name: 'candidates_of_conflicts',
    sql: `select conflict.id as conflict_id, candidate.customer_id, candidate.record_id, candidate.score, candidate.reasons,
        link.record_id is null or exists (select from sync_link other where other.tenant_id = $1
          and other.mapping_id = link.mapping_id and other.customer_id = candidate.customer_id
          and other.record_id is not null) as linked
      from sync_conflict conflict
      join sync_link link on link.tenant_id = $1 and link.mapping_id = conflict.mapping_id and link.id = conflict.link_id
      cross join lateral (
        select customer_id, record_id, score, reasons from sync_candidate
        where tenant_id = $1 and mapping_id = link.mapping_id and not is_refuted
          and (record_id = link.record_id or (link.record_id is null and customer_id = link.customer_id))
        order by score desc, customer_id, record_id limit ${maxCandidates}) candidate
      where conflict.tenant_id = $1 and conflict.id = any ($2::uuid[])
      order by candidate.score desc, candidate.customer_id, candidate.record_id`,
    values: [tenantId, conflictIds],
  });
}

function conflictMessage(
  envelope: SecretEnvelope,
  tenantId: string,
  row: ConflictRow,
): Omit<SyncConflictMessage, 'candidates'> {
  const fields = row.sealed_fields === null ? [] : openFields(envelope, tenantId, row.link_id, row.sealed_fields);
  return {
    id: row.id,
    mappingId: row.mapping_id,
    kind: SyncConflictKind[row.kind],
    customerId: row.customer_id ?? undefined,
    recordId: row.record_id ?? undefined,
    fields: fields.map(({ field, customer, peer }) => ({
      customerField: field,
      customerValue: JSON.stringify(customer),
      peerValue: JSON.stringify(peer),
    })),
    message: row.message,
    otherCustomerId: row.other_customer_id ?? undefined,
    choice: SyncChoice[row.choice ?? chosen(row.answer) ?? 'UNSPECIFIED'],
    createTime: new Date(row.create_time).toISOString(),
  };
}

function chosen(answer: LinkAnswer | null): Choice | undefined {
  return answer === null || answer.choice === 'DROP_COPY' ? undefined : answer.choice;
}
