import type { EntityManager } from '@mikro-orm/postgresql';
import { auditEventText, recordAuditEvent, type AuditEvent, type Statement } from '@rapport/persistence';
import { callContext, type CallClient } from '@rapport/platform';

/** What can happen to who may do what. A new kind is a new line here. */
export type SecurityEventKind =
  | 'API_KEY_CREATED'
  | 'API_KEY_ROTATED'
  | 'API_KEY_REVOKED'
  | 'AUTHENTICATION_FAILED'
  | 'CONSENT_GIVEN'
  | 'EXPORT'
  | 'GRANT_REVOKED'
  | 'INVITATION_ACCEPTED'
  | 'OAUTH_CLIENT_CHANGED'
  | 'OAUTH_CLIENT_CREATED'
  | 'OAUTH_CLIENT_DELETED'
  | 'OAUTH_CLIENT_SECRET_ROTATED'
  | 'PASSWORD_CHANGED'
  | 'PASSWORD_RESET'
  | 'PERMISSION_DENIED'
  | 'RECOVERY_CODES_RENEWED'
  | 'ROLE_CHANGED'
  | 'ROLE_CREATED'
  | 'ROLE_DELETED'
  | 'SESSION_ENDED'
  | 'SIGN_IN'
  | 'SIGN_IN_FAILED'
  | 'TEAM_CHANGED'
  | 'TEAM_CREATED'
  | 'TEAM_DELETED'
  | 'TOKEN_REUSED'
  | 'TOKEN_REVOKED'
  | 'TWO_FACTOR_OFF'
  | 'TWO_FACTOR_ON'
  | 'USER_CHANGED'
  | 'USER_DELETED'
  | 'USER_INVITED'
  | 'WORKSPACE_CLOSED';

/** Something that happened in a tenant, for its chain of security events. */
export interface SecurityEvent {
  kind: SecurityEventKind;
  outcome: 'SUCCESS' | 'DENIED' | 'FAILED';
  /** UPPER_SNAKE, why it was refused or failed, such as `API_KEY_REVOKED`. */
  reason?: string;
  /** What it is about, such as `apiKey/019ab2f4-…`. */
  records?: readonly string[];
  /** What else is to be said, such as the permissions that were given. No personal data, and no secrets. */
  detail?: Readonly<Record<string, unknown>>;
  /** Who did it, such as `user:019ab2f4-…`: needed when no authenticated call is being answered. */
  principalId?: string;
  /** From where, when it was another call than the one that is being answered. */
  client?: CallClient | undefined;
  /** The request, likewise. */
  requestId?: string | undefined;
}

/**
 * Appends a security event to the chain of the tenant of `em`, in the transaction of `em`, which must be that of what the
 * event is about: both are done, or neither is. Call it as the last thing: others of the tenant wait for the chain until the
 * transaction ends, and who has the chain must wait for nothing else.
 */
export async function recordSecurityEvent(em: EntityManager, event: SecurityEvent): Promise<void> {
  if (em.isInTransaction()) await em.flush();
  await recordAuditEvent(em, auditEventOf(event));
}

/** The same as a statement, for whoever works without an EntityManager: it is to see the rows of the tenant. */
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
