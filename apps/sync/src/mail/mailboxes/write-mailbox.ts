import { isDeepStrictEqual } from 'node:util';
import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import type {
  CreateMailboxRequest,
  DeleteMailboxRequest,
  Mailbox as MailboxMessage,
  PauseMailboxRequest,
  ResumeMailboxRequest,
  UpdateMailboxRequest,
} from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import { checkEtag, isUniqueViolation, queryRows, recordAuditEvent } from '@rapport/persistence';
import { AppError, currentCaller, invalidArgument, invalidField, type AuditKind } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { findMailbox, openImapSecrets, readable, sealImapSecrets } from './find-mailbox.js';
import { mailboxContent } from './mailbox-content.js';
import { mailboxMessage } from './mailbox-message.js';
import { changeTurn, endTurn } from './mailbox-turn.js';
import { Mailbox } from './mailbox.entity.js';

const maxMailboxes = 100;

type Content = 'address' | 'displayName' | 'imap' | 'relayId' | 'replyDomain' | 'isDefault' | 'authservId';

const updatable: Updatable<Content> = {
  name: 'mailbox',
  noun: 'a mailbox',
  fields: ['address', 'displayName', 'imap', 'relayId', 'replyDomain', 'isDefault', 'authservId'],
  fixed: {
    kind: 'IMMUTABLE',
    ...Object.fromEntries(
      [
        ...['id', 'state', 'stateReason', 'folders', 'lagSeconds'],
        ...['etag', 'createTime', 'updateTime', 'createdBy'],
      ].map((field) => [field, 'OUTPUT_ONLY']),
    ),
  },
};

/** Secrets of mailboxes, and the hosts that they may name. */
export interface MailboxRules {
  http: OutgoingHttp;
  envelope: SecretEnvelope;
}

/** Handles CreateMailbox. Like all functions here, it runs in a transaction. */
export async function createMailbox(
  em: EntityManager,
  { http, envelope }: MailboxRules,
  request: CreateMailboxRequest,
): Promise<MailboxMessage> {
  const { content, secrets } = mailboxContent(sent(request), http);
  const { tenantId, principalId } = currentCaller();
  await checkRoom(em, tenantId);
  await checkRelay(em, content.relayId);
  const [id, now] = [uuidv7(), new Date()];
  if (content.isDefault) await clearDefault(em, tenantId, id);
  const mailbox = em.create(Mailbox, {
    ...{ tenantId, id },
    ...content,
    sealedSecrets: sealImapSecrets(envelope, { tenantId, id }, secrets),
    ...{ state: 'ACTIVE', stateReason: null, version: 1 },
    ...{ createTime: now, updateTime: now, createdBy: principalId },
  });
  await flush(em);
  await changeTurn(em, mailbox);
  await note(em, 'MAILBOX_CREATED', mailbox);
  return mailboxMessage(mailbox, []);
}

/** Handles UpdateMailbox. */
export async function updateMailbox(
  em: EntityManager,
  { http, envelope }: MailboxRules,
  request: UpdateMailboxRequest,
): Promise<Mailbox> {
  const changes = sent(request);
  const mask = readMask(request.updateMask, updatable);
  const mailbox = await findMailbox(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, mailbox.version);
  const before = mailboxMessage(mailbox, []);
  const wanted = { ...before, ...Object.fromEntries(mask.map((field) => [field, changes[field]])) };
  const stored = mailbox.imap ? { imap: mailbox.imap, secrets: openImapSecrets(envelope, mailbox) } : undefined;
  const { content, secrets } = mailboxContent(wanted, http, stored);
  const isSame = Object.entries(content).every(([name, value]) =>
    isDeepStrictEqual(value, mailbox[name as keyof typeof content]),
  );
  if (isSame && isDeepStrictEqual(secrets, stored?.secrets ?? {})) return mailbox;
  if (content.relayId !== mailbox.relayId) await checkRelay(em, content.relayId);
  if (content.isDefault && !mailbox.isDefault) await clearDefault(em, mailbox.tenantId, mailbox.id);
  const isTriedAgain = mailbox.state === 'REAUTH' || mailbox.state === 'FAILING';
  em.assign(mailbox, {
    ...content,
    sealedSecrets: sealImapSecrets(envelope, mailbox, secrets),
    ...(isTriedAgain && { state: 'ACTIVE' as const, stateReason: null }),
    ...{ version: mailbox.version + 1, updateTime: new Date() },
  });
  await flush(em);
  await changeTurn(em, mailbox);
  await note(em, 'MAILBOX_CHANGED', mailbox, { fields: mask });
  return mailbox;
}

/** Handles DeleteMailbox. */
export async function deleteMailbox(em: EntityManager, request: DeleteMailboxRequest): Promise<void> {
  const mailbox = await findMailbox(em, request.id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(request.etag, mailbox.version);
  em.remove(mailbox);
  await em.flush();
  await endTurn(em, mailbox);
  await note(em, 'MAILBOX_DELETED', mailbox);
}

/** Handles PauseMailbox and ResumeMailbox. */
export async function moveMailbox(
  em: EntityManager,
  { id, etag }: PauseMailboxRequest | ResumeMailboxRequest,
  state: 'ACTIVE' | 'PAUSED',
): Promise<Mailbox> {
  const mailbox = await findMailbox(em, id, LockMode.PESSIMISTIC_WRITE);
  checkEtag(etag, mailbox.version);
  if (mailbox.state === state) return mailbox;
  em.assign(mailbox, { state, stateReason: null, version: mailbox.version + 1, updateTime: new Date() });
  await em.flush();
  await changeTurn(em, mailbox);
  await note(em, state === 'PAUSED' ? 'MAILBOX_PAUSED' : 'MAILBOX_RESUMED', mailbox);
  return mailbox;
}

/** Handles ResyncMailbox: the worker reads each folder from the first mail since the time. */
export async function resyncMailbox(em: EntityManager, id: string, since: string | undefined): Promise<Mailbox> {
  const mailbox = readable(await findMailbox(em, id, LockMode.PESSIMISTIC_WRITE));
  await queryRows(em, {
    sql: 'update mailbox_folder set resync_time = $3 where tenant_id = $1 and mailbox_id = $2',
    values: [mailbox.tenantId, id, since ?? new Date(0)],
  });
  await changeTurn(em, mailbox);
  await note(em, 'MAILBOX_RESYNCED', mailbox, { since: since ?? null });
  return mailbox;
}

function sent({ mailbox }: { mailbox?: MailboxMessage | undefined }): MailboxMessage {
  if (mailbox) return mailbox;
  throw invalidArgument([{ field: 'mailbox', reason: 'REQUIRED', description: 'is required' }]);
}

/** The relay is locked until the transaction ends: DeleteRelay then finds the mailbox. @throws AppError INVALID_ARGUMENT */
async function checkRelay(em: EntityManager, relayId: Mailbox['relayId']): Promise<void> {
  if (typeof relayId !== 'string') return;
  const found = await queryRows(em, {
    sql: 'select from relay where tenant_id = $1 and id = $2 for share',
    values: [currentCaller().tenantId, relayId],
  });
  if (found.length === 0) throw invalidField('mailbox.relayId', 'RELAY_NOT_FOUND', 'must be the id of a relay');
}

/** At most one mailbox of a tenant is its default. */
async function clearDefault(em: EntityManager, tenantId: string, id: string): Promise<void> {
  await queryRows(em, {
    sql: `with cleared as (
        update mailbox set is_default = false, version = version + 1
        where tenant_id = $1 and is_default and id <> $2 returning id)
      update mailbox_turn set is_announced = false, revision = revision + 1
      where mailbox_id in (select id from cleared)`,
    values: [tenantId, id],
  });
}

async function flush(em: EntityManager): Promise<void> {
  try {
    await em.flush();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('ALREADY_EXISTS', 'MAILBOX_ADDRESS_TAKEN', 'Another mailbox has the address.', { cause: error });
  }
}

/** Serializes the creation of a tenant's mailboxes, so that the count includes concurrent ones. */
async function checkRoom(em: EntityManager, tenantId: string): Promise<void> {
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`mailbox ${tenantId}`]);
  if ((await em.count(Mailbox, { tenantId })) < maxMailboxes) return;
  throw new AppError('RESOURCE_EXHAUSTED', 'MAILBOX_LIMIT', `A workspace has at most ${maxMailboxes} mailboxes.`);
}

async function note(em: EntityManager, kind: AuditKind, { id, address }: Mailbox, more: object = {}): Promise<void> {
  await recordAuditEvent(em, { kind, records: [`mailbox/${id}`], detail: { address, ...more } });
}
