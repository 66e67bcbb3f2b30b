/** Kinds of the entries that `/v1/auditEntries` lists. Triggers write those of changes. */
export const auditEntryKinds = ['CHANGE', 'EXPORT', 'FILE_REMOVAL', 'IMPORT'] as const;

/** Kinds of the entries that `/v1/securityEvents` lists. */
export const securityEventKinds = [
  'API_KEY_CREATED',
  'API_KEY_ROTATED',
  'API_KEY_REVOKED',
  'AUTHENTICATION_FAILED',
  'CONSENT_GIVEN',
  'EXPORT',
  'GRANT_REVOKED',
  'INVITATION_ACCEPTED',
  'OAUTH_CLIENT_CHANGED',
  'OAUTH_CLIENT_CREATED',
  'OAUTH_CLIENT_DELETED',
  'OAUTH_CLIENT_SECRET_ROTATED',
  'PASSWORD_CHANGED',
  'PASSWORD_RESET',
  'PERMISSION_DENIED',
  'RECOVERY_CODES_RENEWED',
  'ROLE_CHANGED',
  'ROLE_CREATED',
  'ROLE_DELETED',
  'SESSION_ENDED',
  'SIGN_IN',
  'SIGN_IN_FAILED',
  'TEAM_CHANGED',
  'TEAM_CREATED',
  'TEAM_DELETED',
  'TENANT_CHANGED',
  'TOKEN_REUSED',
  'TOKEN_REVOKED',
  'TWO_FACTOR_OFF',
  'TWO_FACTOR_ON',
  'USER_CHANGED',
  'USER_DELETED',
  'USER_INVITED',
  'WORKSPACE_CLOSED',
] as const;

export type SecurityEventKind = (typeof securityEventKinds)[number];

/** The chain of sync is verified and archived, but no operation lists it. */
type SyncSubject =
  | 'APPROVAL'
  | 'CONNECTION'
  | 'DELIVERY_LIMIT'
  | 'FLOW'
  | 'MAILBOX'
  | 'MAPPING'
  | 'RELAY'
  | 'SYNC'
  | 'WEBHOOK';

/** Every kind of an audit entry. A kind that an operation lists is in one of the lists above, and the console has its name. */
export type AuditKind = (typeof auditEntryKinds)[number] | SecurityEventKind | `${SyncSubject}_${string}`;
