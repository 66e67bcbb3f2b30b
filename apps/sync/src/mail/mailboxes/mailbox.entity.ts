import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';
import type { SignIn } from '../mail-credentials.js';

/** An IMAP account without its secrets. */
export interface ImapAccount {
  host: string;
  port: number;
  security: 'TLS' | 'STARTTLS' | 'NONE';
  signIn: SignIn;
  folders: string[];
}

const MailboxSchema = defineEntity({
  name: 'Mailbox',
  tableName: 'mailbox',
  ...tenantIsolation,
  uniques: [{ name: 'mailbox_address', properties: ['tenantId', 'address'] }],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    /** In lower case. */
    address: p.text(),
    displayName: p.text().nullable(),
    kind: p.enum(['IMAP', 'SEND_ONLY', 'API'] as const),
    imap: p.json<ImapAccount>().nullable(),
    /** `SignInSecrets` as JSON, sealed for its `rowOwner`. */
    sealedSecrets: p.blob().$type<Buffer>(),
    relayId: p.uuid().nullable(),
    replyDomain: p.text().nullable(),
    isDefault: p.boolean(),
    authservId: p.text().nullable(),
    state: p.enum(['ACTIVE', 'REAUTH', 'FAILING', 'PAUSED'] as const),
    stateReason: p.text().nullable(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
    createdBy: p.text(),
  },
});

/** An address of a tenant that receives or sends mail. */
export class Mailbox extends MailboxSchema.class {}
MailboxSchema.setClass(Mailbox);
