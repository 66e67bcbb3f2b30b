import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { ClaimedDigest, SettledDigest } from '@rapport/contracts/rapport/work/v1/digest_outbox_service';
import { AppError } from '@rapport/platform';
import { composeMail, UnsendableError } from '../sending/compose-mail.js';
import type { DkimSigner } from '../sending/dkim-signature.js';
import type { ClaimOutcome, SendingQueue, SendingTurn, WaitingTenants } from '../sending/relay-turns.js';
import { sendBatch, type BatchResult } from '../sending/send-batch.js';
import { Settling } from '../sending/settling.js';
import { digestMail, type DigestTexts } from './digest-mail.js';
import type { DigestContent, DigestOutbox } from './digest-outbox.js';

/** Digests of a claim for each connection: few, since none of them is sent again when the process dies. */
const claimedEach = 3;

/** The daily digests of notifications. */
export class DigestQueue implements SendingQueue {
  readonly restMs = 10_000;

  constructor(private readonly outbox: DigestOutbox) {}

  async tenants(afterTenantId: string | undefined): Promise<WaitingTenants> {
    return { tenantIds: await this.outbox.tenants(afterTenantId) };
  }

  async endLeases(tenantId: string): Promise<void> {
    await this.outbox.claim(tenantId, [], 1);
  }

  async sendSome({ relay, pool, signer, stopping }: SendingTurn): Promise<ClaimOutcome> {
    const { tenantId, mailboxIds, maxConnections } = relay;
    const limit = maxConnections * claimedEach;
    const { digests, ...texts } = await this.outbox.claim(tenantId, mailboxIds, limit);
    const settling = new Settling<SettledDigest>((items) => this.outbox.settle(tenantId, items));
    let dueMs: number | undefined;
    const { handedOver, deferred, fault } = await sendBatch(digests, maxConnections, {
      ...{ pool, stopping },
      compose: (each) => this.#compose(tenantId, each, texts, signer),
      settle: (each, result) => {
        const item = settled(each, result);
        settling.add(item);
        if (item.deferSeconds) dueMs = Math.min(dueMs ?? Infinity, Date.now() + item.deferSeconds * 1_000);
      },
    });
    await settling.end();
    const isRefusing = fault !== undefined || (deferred > 0 && handedOver === 0);
    return { claimed: digests.length, handedOver, isRefusing, isDone: digests.length < limit, fault, dueMs };
  }

  async #compose(tenantId: string, digest: ClaimedDigest, texts: DigestTexts, signer: DkimSigner | undefined) {
    const content = await this.#contentOf(tenantId, digest);
    const { contact } = content;
    const { fromName, fromAddress, internetMessageId, headers } = digest;
    const mail = await composeMail(
      {
        from: { name: fromName ?? '', address: fromAddress },
        to: [{ name: contact.displayName, address: contact.email }],
        ...{ internetMessageId, headers, ...digestMail(content, texts) },
      },
      signer,
    );
    return { envelope: { from: fromAddress, to: [contact.email] }, content: mail };
  }

  /** @throws UnsendableError for a user without access, or without unread notifications */
  async #contentOf(tenantId: string, { userId, afterPosition, upToPosition }: ClaimedDigest): Promise<DigestContent> {
    const content = await this.outbox
      .content(tenantId, userId, { after: afterPosition, upTo: upToPosition })
      .catch((error: unknown) => {
        if (error instanceof AppError && error.code === 'PERMISSION_DENIED') throw new UnsendableError(error.message);
        throw error;
      });
    if (content.notifications.length === 0) throw new UnsendableError('The user has read all notifications.');
    return content;
  }
}

function settled({ userId, attempt, afterPosition }: ClaimedDigest, { outcome, deferSeconds }: BatchResult) {
  const isDeferred = outcome === 'DEFERRED';
  return {
    ...{ userId, attempt, afterPosition, outcome: MailOutcome[outcome] },
    deferSeconds: isDeferred ? deferSeconds : undefined,
  };
}
