import type { EntityManager } from '@mikro-orm/postgresql';
import type { AuditedRecord } from './audit-entry.js';

/** What a service says of its tenant's audit itself. The call that is being answered says who, why and from where. */
export interface AuditEvent {
  /** UPPER_SNAKE, such as `EXPORT`. */
  kind: string;
  /** What it is about, such as `apiKey/019ab2f4-…`. */
  records?: readonly AuditedRecord['name'][];
  /** What else is to be said. No personal data, and no secrets: an entry is never changed. */
  detail?: Readonly<Record<string, unknown>>;
  /** Who did it, when it was not the caller of the call that is being answered. */
  actor?: string;
  /** The request, likewise. */
  requestId?: string | undefined;
}

/**
 * Appends an entry to the chain of the tenant of `em`, in the transaction of `em` if there is one: the others of the tenant
 * wait until that ends.
 */
export async function recordAuditEvent(em: EntityManager, event: AuditEvent): Promise<void> {
  await em.execute('select record_audit_event(?::json)', [auditEventText(event)]);
}

/** What `record_audit_event` takes, for whoever calls it without an EntityManager. */
export function auditEventText({ records = [], detail = {}, ...rest }: AuditEvent): string {
  return JSON.stringify({ ...rest, records, detail: JSON.stringify(detail) });
}
