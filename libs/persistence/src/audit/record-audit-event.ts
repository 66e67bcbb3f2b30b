import type { EntityManager } from '@mikro-orm/postgresql';
import type { AuditKind } from '@rapport/platform';
import type { AuditedRecord } from './audit-entry.js';

/** An audit event that a service records itself. Actor, cause and client come from the current call. */
export interface AuditEvent {
  kind: AuditKind;
  /** The resource, such as `apiKey/019ab2f4-…`. */
  records?: readonly AuditedRecord['name'][];
  /** Further details. No personal data and no secrets: entries are immutable. */
  detail?: Readonly<Record<string, unknown>>;
  /** The actor, when it is not the caller of the current call. */
  actor?: string;
  /** The request id, when it is not that of the current call. */
  requestId?: string | undefined;
}

/**
 * Appends an entry to the chain of the tenant of `em`, in the transaction of `em` if there is one. Other appends of the
 * tenant wait until that transaction ends.
 */
export async function recordAuditEvent(em: EntityManager, event: AuditEvent): Promise<void> {
  await em.execute('select record_audit_event(?::json)', [auditEventText(event)]);
}

/** Arguments of the SQL function `record_audit_event`, for callers without an EntityManager. */
export function auditEventText({ records = [], detail = {}, ...rest }: AuditEvent): string {
  return JSON.stringify({ ...rest, records, detail: JSON.stringify(detail) });
}
