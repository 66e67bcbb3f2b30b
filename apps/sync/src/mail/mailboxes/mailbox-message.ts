import {
  MailboxKind,
  MailboxState,
  MailSecurity,
  type Mailbox as MailboxMessage,
  type MailboxFolder,
  type MailboxImap,
} from '@rapport/contracts/rapport/mail/v1/mailboxes_service';
import { formatEtag } from '@rapport/persistence';
import type { FolderPosition } from '../intake/folder-positions.js';
import { credentialsMessage } from '../mail-credentials.js';
import type { ImapAccount, Mailbox } from './mailbox.entity.js';

export function mailboxMessage(mailbox: Mailbox, positions: readonly FolderPosition[]): MailboxMessage {
  return {
    id: mailbox.id,
    address: mailbox.address,
    displayName: mailbox.displayName ?? undefined,
    kind: MailboxKind[mailbox.kind],
    imap: mailbox.imap ? imapMessage(mailbox.imap) : undefined,
    relayId: mailbox.relayId ?? undefined,
    replyDomain: mailbox.replyDomain ?? undefined,
    isDefault: mailbox.isDefault,
    authservId: mailbox.authservId ?? undefined,
    state: MailboxState[mailbox.state],
    stateReason: mailbox.stateReason ?? undefined,
    folders: positions.map(folderMessage),
    lagSeconds: lagSeconds(mailbox, positions),
    etag: formatEtag(mailbox.version),
    createTime: mailbox.createTime.toISOString(),
    updateTime: mailbox.updateTime.toISOString(),
    createdBy: mailbox.createdBy,
  };
}

function imapMessage({ host, port, security, signIn, folders }: ImapAccount): MailboxImap {
  return { host, port, security: MailSecurity[security], credentials: credentialsMessage(signIn), folders };
}

function folderMessage({ name, uidValidity, uid, modseq, syncTime }: FolderPosition): MailboxFolder {
  return { name, uidValidity, uid, modseq: modseq ?? undefined, syncTime: syncTime?.toISOString() };
}

/** Since the folder that was read longest ago. */
function lagSeconds({ imap }: Mailbox, positions: readonly FolderPosition[]): number | undefined {
  if (!imap) return undefined;
  const times = imap.folders.map((folder) => positions.find(({ name }) => name === folder)?.syncTime?.getTime());
  if (!times.every((time) => time !== undefined)) return undefined;
  return Math.max(0, Math.floor((Date.now() - Math.min(...times)) / 1_000));
}
