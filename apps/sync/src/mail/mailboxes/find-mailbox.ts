import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';
import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { SignInSecrets } from '../mail-credentials.js';
import { Mailbox, type ImapAccount } from './mailbox.entity.js';

/** @throws AppError NOT_FOUND, also for a mailbox of another tenant */
export async function findMailbox(em: EntityManager, id: string, lockMode: LockMode = LockMode.NONE): Promise<Mailbox> {
  const mailbox = await em.findOne(Mailbox, { tenantId: currentCaller().tenantId, id }, { lockMode });
  if (mailbox) return mailbox;
  throw new AppError('NOT_FOUND', 'MAILBOX_NOT_FOUND', 'There is no such mailbox.');
}

/** A mailbox that mail is read from. */
export type ReadMailbox = Mailbox & { imap: ImapAccount };

/** @throws AppError FAILED_PRECONDITION for one without a server */
export function readable(mailbox: Mailbox): ReadMailbox {
  if (mailbox.imap) return mailbox as ReadMailbox;
  const why = mailbox.kind === 'API' ? 'has no server: clients hand its mails over' : 'only sends mail';
  throw new AppError('FAILED_PRECONDITION', 'MAILBOX_KIND_UNSUPPORTED', `The mailbox ${why}.`);
}

/** @throws AppError FAILED_PRECONDITION for one that takes no mail of clients, or not now */
export function checkReceives({ kind, state }: Mailbox): void {
  if (kind !== 'API') {
    const message = 'Clients hand mails over only to a mailbox of the kind API.';
    throw new AppError('FAILED_PRECONDITION', 'MAILBOX_KIND_UNSUPPORTED', message);
  }
  if (state !== 'PAUSED') return;
  throw new AppError('FAILED_PRECONDITION', 'MAILBOX_PAUSED', 'The mailbox is paused. Repeat the call later.');
}

export function openImapSecrets(
  envelope: SecretEnvelope,
  { tenantId, id, sealedSecrets }: Pick<Mailbox, 'tenantId' | 'id' | 'sealedSecrets'>,
): SignInSecrets {
  const opened = envelope.open(Buffer.from(sealedSecrets), rowOwner('mailbox', tenantId, id));
  return JSON.parse(opened.toString()) as SignInSecrets;
}

export function sealImapSecrets(
  envelope: SecretEnvelope,
  { tenantId, id }: Pick<Mailbox, 'tenantId' | 'id'>,
  secrets: SignInSecrets,
): Buffer {
  return envelope.seal(Buffer.from(JSON.stringify(secrets)), rowOwner('mailbox', tenantId, id));
}
