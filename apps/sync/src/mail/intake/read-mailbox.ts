import type { EntityManager } from '@mikro-orm/postgresql';
import { WakeSignal } from '@rapport/platform';
import type { ImapFlow } from 'imapflow';
import type { ReadMailbox } from '../mailboxes/find-mailbox.js';
import { folderPositions } from './folder-positions.js';
import type { ImapAccounts } from './imap-accounts.js';
import { readFolder, type FolderReader } from './read-folder.js';
import type { StoredMail } from './stored-mail.js';

/** Interval between reads of all folders, in milliseconds. The first folder is watched in between (IDLE). */
const readEveryMs = 60_000;

export interface MailboxReader {
  em: EntityManager;
  accounts: ImapAccounts;
  stored: StoredMail;
  signal: AbortSignal;
  beforeStore: FolderReader['beforeStore'];
  onSkipped: FolderReader['onSkipped'];
  /** Called each time that all folders were read to their ends. */
  onRead: (mails: number) => Promise<void>;
}

/**
 * Reads the folders of a mailbox until the signal, and waits for new mail in between.
 *
 * @throws MailServerError, or an error of imapflow or of a call
 */
export async function readMailbox(reader: MailboxReader, mailbox: ReadMailbox): Promise<void> {
  const { accounts, signal } = reader;
  const client = await accounts.connect(mailbox);
  const watched = new WatchedFolder(client, mailbox.imap.folders[0] ?? 'INBOX');
  const close = () => client.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    while (!signal.aborted) {
      const { mails, uidNext } = await readFolders({ ...reader, client }, mailbox);
      await reader.onRead(mails);
      await watched.untilMail(uidNext, signal);
    }
  } catch (error) {
    // The connection was closed on purpose.
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', close);
    client.close();
  }
}

/** @returns number of mails, and the next UID of the first folder */
async function readFolders(
  reader: FolderReader,
  { tenantId, id, imap }: ReadMailbox,
): Promise<{ mails: number; uidNext: number }> {
  const positions = (await folderPositions(reader.em, tenantId, [id])).get(id) ?? [];
  const all = { mails: 0, uidNext: 0 };
  for (const [index, folder] of imap.folders.entries()) {
    if (reader.signal.aborted) break;
    const before = positions.find(({ name }) => name === folder);
    const { mails, uidNext } = await readFolder(reader, { tenantId, mailboxId: id, folder }, before);
    all.mails += mails;
    if (index === 0) all.uidNext = uidNext;
  }
  return all;
}

/** The folder of a connection that is watched for new mail. */
class WatchedFolder {
  readonly #arrived = new WakeSignal();
  #hasArrived = false;

  constructor(
    private readonly client: ImapFlow,
    private readonly name: string,
  ) {
    const wake = () => {
      this.#hasArrived = true;
      this.#arrived.wake();
    };
    client.on('exists', wake);
    client.on('close', wake);
  }

  /**
   * Waits until the folder has a mail with this UID or a later one, the connection ends, or it is time to read all
   * folders.
   */
  async untilMail(uidNext: number, signal: AbortSignal): Promise<void> {
    const lock = await this.client.getMailboxLock(this.name, { readOnly: true });
    const { mailbox } = this.client;
    lock.release();
    const hasMore = !mailbox || mailbox.uidNext > uidNext || this.#hasArrived;
    this.#hasArrived = false;
    if (hasMore || signal.aborted) return;
    const idle = this.client.idle();
    // The next command of the connection fails with the same error.
    idle.catch(() => this.#arrived.wake());
    await this.#arrived.sleep(readEveryMs, signal);
    this.#hasArrived = false;
  }
}
