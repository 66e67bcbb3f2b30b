import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type {
  FolderReconciliation,
  ReconcileMailboxResponse,
} from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import type { ImapFlow } from 'imapflow';
import type { ReadMailbox } from '../mailboxes/find-mailbox.js';
import type { ImapAccounts } from './imap-accounts.js';
import { renumberedMails } from './renumbered-mail.js';
import type { NumberedFolder, StoredMail } from './stored-mail.js';
import { withAccount } from './test-mailbox.js';

/** UIDs of a list of the answer. */
const maxUids = 1_000;

interface Parts {
  accounts: ImapAccounts;
  stored: StoredMail;
}

/**
 * Compares the mails on the server with what is stored, by UID, and by hash if asked.
 *
 * @throws AppError as `withAccount`
 */
export function reconcileMailbox(
  em: EntityManager,
  { accounts, stored }: Parts,
  mailbox: ReadMailbox,
  checksContent: boolean,
): Promise<ReconcileMailboxResponse> {
  return withAccount(accounts, mailbox, async (client) => {
    const folders: FolderReconciliation[] = [];
    for (const folder of [...mailbox.imap.folders].sort()) {
      const place = { tenantId: mailbox.tenantId, mailboxId: mailbox.id, folder };
      folders.push(await compareFolder({ em, stored, client, checksContent }, place));
    }
    const equal = folders.every(({ missing, different }) => missing.length + different.length === 0);
    return { equal, folders };
  });
}

interface Comparison {
  em: EntityManager;
  stored: StoredMail;
  client: ImapFlow;
  checksContent: boolean;
}

async function compareFolder(
  { em, stored, client, checksContent }: Comparison,
  place: Omit<NumberedFolder, 'uidValidity'>,
): Promise<FolderReconciliation> {
  const lock = await client.getMailboxLock(place.folder, { readOnly: true });
  try {
    if (!client.mailbox) throw new Error('The folder is not open.');
    const uidValidity = Number(client.mailbox.uidValidity);
    const known = await knownMails(em, stored, { ...place, uidValidity });
    const onServer = client.mailbox.exists === 0 ? [] : await client.search({ all: true }, { uid: true });
    const uids = new Set(onServer === false ? [] : onServer);
    const different = checksContent ? await differentMails(client, known) : [];
    return {
      ...{ name: place.folder, uidValidity },
      ...{ onServer: uids.size, stored: known.size },
      missing: first([...uids].filter((uid) => !known.has(uid))),
      extra: first([...known.keys()].filter((uid) => !uids.has(uid))),
      different: first(different),
    };
  } finally {
    lock.release();
  }
}

/** Hashes of stored mails by UID; undefined for an erased one. */
async function knownMails(
  em: EntityManager,
  stored: StoredMail,
  folder: NumberedFolder,
): Promise<Map<number, string | undefined>> {
  const known = await stored.list(folder);
  for (const [uid, { sha256 }] of await renumberedMails(em, folder)) known.set(uid, sha256);
  return known;
}

async function differentMails(client: ImapFlow, known: ReadonlyMap<number, string | undefined>): Promise<number[]> {
  const different: number[] = [];
  for await (const { uid, source } of client.fetch('1:*', { uid: true, source: true }, { uid: true })) {
    const stored = known.get(uid);
    if (!source || stored === undefined) continue;
    if (createHash('sha256').update(source).digest('hex') !== stored) different.push(uid);
  }
  return different;
}

function first(uids: readonly number[]): number[] {
  return [...uids].sort((one, other) => one - other).slice(0, maxUids);
}
