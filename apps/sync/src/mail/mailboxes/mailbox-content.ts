import { isDeepStrictEqual } from 'node:util';
import {
  MailboxKind,
  MailSecurity,
  type Mailbox as MailboxMessage,
  type MailboxImap,
} from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import type { MailCredentials } from '@rapport/contracts/rapport/mail/v1/mail_credentials';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import { readCredentials, type SignIn, type SignInSecrets } from '../mail-credentials.js';
import type { ImapAccount, Mailbox } from './mailbox.entity.js';

const defaultPorts = { TLS: 993, STARTTLS: 143, NONE: 143 } as const;

/** Fields of a mailbox that requests set. */
export type MailboxContent = Pick<
  Mailbox,
  'address' | 'displayName' | 'kind' | 'imap' | 'relayId' | 'replyDomain' | 'isDefault' | 'authservId'
>;

/** An account and its secrets. */
export interface StoredAccount {
  imap: ImapAccount;
  secrets: SignInSecrets;
}

/**
 * The requested content of a mailbox and its secrets.
 *
 * @param before the account of the mailbox, whose secrets stay if they would be sent to the same account
 * @throws AppError INVALID_ARGUMENT that names each wrong field
 */
export function mailboxContent(
  wanted: MailboxMessage,
  http: OutgoingHttp,
  before?: StoredAccount,
): { content: MailboxContent; secrets: SignInSecrets } {
  const kind = kindNames[wanted.kind] ?? 'SEND_ONLY';
  const violations = kindViolations(wanted);
  if (violations.length > 0) throw invalidArgument(violations);
  const account = wanted.imap ? accountOf(wanted.imap, http, before) : undefined;
  const content: MailboxContent = {
    address: wanted.address.toLowerCase(),
    displayName: wanted.displayName ?? null,
    ...{ kind, imap: account?.imap ?? null },
    relayId: wanted.relayId ?? null,
    replyDomain: wanted.replyDomain?.toLowerCase() ?? null,
    isDefault: wanted.isDefault,
    authservId: wanted.authservId ?? null,
  };
  return { content, secrets: account?.secrets ?? {} };
}

const kindNames: Partial<Record<MailboxKind, Mailbox['kind']>> = {
  [MailboxKind.IMAP]: 'IMAP',
  [MailboxKind.SEND_ONLY]: 'SEND_ONLY',
  [MailboxKind.API]: 'API',
};

function kindViolations({ kind, imap }: MailboxMessage): FieldViolation[] {
  const isImap = kind === MailboxKind.IMAP;
  if (isImap === (imap !== undefined)) return [];
  if (isImap) return [{ field: 'mailbox.imap', reason: 'REQUIRED', description: 'is required for the kind IMAP' }];
  return [{ field: 'mailbox.imap', reason: 'NOT_ALLOWED', description: 'is only for the kind IMAP' }];
}

function accountOf(wanted: MailboxImap, http: OutgoingHttp, before: StoredAccount | undefined): StoredAccount {
  const security = securities[wanted.security] ?? 'TLS';
  const server = { host: wanted.host.toLowerCase(), port: wanted.port || defaultPorts[security], security };
  if (!isCallable(server, http)) {
    const description = 'must be a public host, with TLS';
    throw invalidArgument([{ field: 'mailbox.imap.host', reason: 'URL_NOT_ALLOWED', description }]);
  }
  const { signIn, secrets } = signInOf(wanted.credentials, server, http, before);
  const folders = wanted.folders.length > 0 ? [...new Set(wanted.folders)] : ['INBOX'];
  return { imap: { ...server, signIn, folders }, secrets };
}

const securities: Partial<Record<MailSecurity, ImapAccount['security']>> = {
  [MailSecurity.TLS]: 'TLS',
  [MailSecurity.STARTTLS]: 'STARTTLS',
  [MailSecurity.NONE]: 'NONE',
};

type Server = Pick<ImapAccount, 'host' | 'port' | 'security'>;

/** Stored secrets stay only with the account that they were set for: another host must not get them. */
function signInOf(
  credentials: MailCredentials | undefined,
  server: Server,
  http: OutgoingHttp,
  before: StoredAccount | undefined,
): { signIn: SignIn; secrets: SignInSecrets } {
  if (before && isSameServer(server, before.imap) && isUnchanged(credentials, before.imap.signIn)) {
    return { signIn: before.imap.signIn, secrets: before.secrets };
  }
  const field = 'mailbox.imap.credentials';
  if (!credentials) throw invalidArgument([{ field, reason: 'REQUIRED', description: 'is required' }]);
  return readCredentials(credentials, field, (url) => http.mayCall(url));
}

function isSameServer(server: Server, { host, port, security }: Server): boolean {
  return isDeepStrictEqual(server, { host, port, security });
}

function isUnchanged(credentials: MailCredentials | undefined, before: SignIn): boolean {
  if (!credentials) return true;
  const { user, password, oauth2 } = credentials;
  if (password !== undefined || oauth2?.refreshToken !== undefined || oauth2?.clientSecret !== undefined) return false;
  const { tokenUrl, clientId, scope } = oauth2 ?? {};
  const kept = before.oauth2;
  return isDeepStrictEqual(
    [user, tokenUrl, clientId, scope],
    [before.user, kept?.tokenUrl, kept?.clientId, kept?.scope],
  );
}

/** Hosts of mail servers follow the rules of URLs: plain connections go only to hosts that the operator allows. */
function isCallable({ host, security }: Server, http: OutgoingHttp): boolean {
  const url = URL.parse(`${security === 'NONE' ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}/`);
  return url?.pathname === '/' && url.port === '' && http.mayCall(url);
}
