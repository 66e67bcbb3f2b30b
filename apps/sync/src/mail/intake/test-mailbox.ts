import type { TestMailboxResponse } from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import { AppError } from '@rapport/platform';
import type { ImapFlow } from 'imapflow';
import type { ReadMailbox } from '../mailboxes/find-mailbox.js';
import { serverError, type ImapAccounts } from './imap-accounts.js';

const maxFolders = 500;

/** Connects to the account of a mailbox, and lists its folders. @throws AppError as `withAccount` */
export function testMailbox(accounts: ImapAccounts, mailbox: ReadMailbox): Promise<TestMailboxResponse> {
  return withAccount(accounts, mailbox, async (client) => {
    const folders = (await client.list()).map(({ path }) => path).sort();
    return { folders: folders.slice(0, maxFolders), capabilities: [...client.capabilities.keys()].sort() };
  });
}

/**
 * Does work over a connection of its own to the account of a mailbox.
 *
 * @throws AppError PEER_UNAUTHORISED, PEER_UNAVAILABLE, PEER_TIMEOUT
 */
export async function withAccount<Answer>(
  accounts: ImapAccounts,
  mailbox: ReadMailbox,
  work: (client: ImapFlow) => Promise<Answer>,
): Promise<Answer> {
  let client: ImapFlow | undefined;
  try {
    client = await accounts.connect(mailbox);
    return await work(client);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { reason, message } = serverError(error);
    const isTransient = reason !== 'UNAUTHORISED';
    throw new AppError(isTransient ? 'UNAVAILABLE' : 'FAILED_PRECONDITION', `PEER_${reason}`, message, {
      ...(isTransient && { retryAfterSeconds: 5 }),
      cause: error,
    });
  } finally {
    client?.close();
  }
}
