import type { EntityManager } from '@mikro-orm/postgresql';
import { auditEventText, recordAuditEvent, type AuditEvent, type Statement } from '@rapport/persistence';
import { callContext, type CallClient, type SecurityEventKind } from '@rapport/platform';

/** An event for the tenant's chain of security events. */
export interface SecurityEvent {
  kind: SecurityEventKind;
  outcome: 'SUCCESS' | 'DENIED' | 'FAILED';
  /** UPPER_SNAKE, why it was denied or failed, such as `API_KEY_REVOKED`. */
  reason?: string;
  /** The affected records, such as `apiKey/019ab2f4-…`. */
  records?: readonly string[];
  /** Further details, such as granted permissions. No personal data and no secrets. */
  detail?: Readonly<Record<string, unknown>>;
  /** The actor, such as `user:019ab2f4-…`. Required when there is no authenticated call. */
  principalId?: string;
  /** The client, when the event belongs to a call other than the current one. */
  client?: CallClient | undefined;
  /** The request id, likewise. */
  requestId?: string | undefined;
}

/**
 * Appends a security event to the chain of the tenant of `em`, in the transaction of `em`. It must be the transaction of the change
 * that the event describes, so that both commit or neither does. Call it last: it locks the chain until the transaction ends, and
 * waiting for another lock while holding it could deadlock.
 */
export async function recordSecurityEvent(em: EntityManager, event: SecurityEvent): Promise<void> {
  if (em.isInTransaction()) await em.flush();
  await recordAuditEvent(em, auditEventOf(event));
}

/** The same as a statement, for code without an EntityManager. Run it in a session of the tenant. */
export function securityEventStatement(event: SecurityEvent): Statement {
  const values = [auditEventText(auditEventOf(event))];
  return { name: 'record_security_event', sql: 'select record_audit_event($1::json)', values };
}

function auditEventOf(event: SecurityEvent): AuditEvent {
  const call = callContext.getStore();
  const { kind, outcome, reason, records, principalId, detail } = event;
  const { client = call?.client, requestId = call?.requestId } = event;
  return {
    kind,
    requestId,
    ...(records && { records }),
    ...(principalId && { actor: principalId }),
    detail: { outcome, reason, ...client, ...detail },
  };
}
