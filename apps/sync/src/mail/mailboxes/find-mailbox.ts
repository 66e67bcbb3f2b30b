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

/** @throws AppError FAILED_PRECONDITION for one that only sends */
export function readable(mailbox: Mailbox): ReadMailbox {
  if (mailbox.imap) return mailbox as ReadMailbox;
  throw new AppError('FAILED_PRECONDITION', 'MAILBOX_KIND_UNSUPPORTED', 'The mailbox only sends mail.');
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
