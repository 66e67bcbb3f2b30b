import type { Statement } from '@rapport/persistence';
import type { ConflictKind } from '../links/conflict-store.js';
import type { LinkAnswer } from '../links/link.js';

/** Executes a statement for the tenant, either in the transaction of a call or on its own in a run. */
export type RunStatement = <Row extends object>(statement: Statement) => Promise<Row[]>;

export interface ConflictRow {
  id: string;
  mapping_id: string;
  /** Type of the records of Rapport. */
  object: string;
  link_id: string;
  kind: ConflictKind;
  sealed_fields: Buffer | null;
  message: string;
  other_customer_id: string | null;
  create_time: string | Date;
  customer_id: string | null;
  record_id: string | null;
  choice: 'CUSTOMER' | 'PEER' | null;
  answer: LinkAnswer | null;
}

/** Selects all conflicts of the tenant `$1`. Conditions can be appended. */
export const conflictQuery = `
  select conflict.id, conflict.mapping_id, mapping.object, conflict.link_id, conflict.kind, conflict.sealed_fields, conflict.message,
    conflict.other_customer_id, conflict.create_time, link.customer_id, link.record_id, link.choice, link.answer
  from sync_conflict conflict
  join sync_link link on link.tenant_id = conflict.tenant_id and link.mapping_id = conflict.mapping_id
    and link.id = conflict.link_id
  join mapping on mapping.tenant_id = conflict.tenant_id and mapping.id = conflict.mapping_id
  where conflict.tenant_id = $1`;
