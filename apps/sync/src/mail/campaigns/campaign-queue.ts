import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { MailOutcome } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type {
  ClaimedRecipient,
  SettledRecipient,
} from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import { tenantSession } from '@rapport/persistence';
import { asksForLess } from '../limits/pace-of-domain.js';
import { domainRooms } from '../limits/domain-room.js';
import { returnShare, takeShare } from '../relays/ramp-room.js';
import { composeMail } from '../sending/compose-mail.js';
import type { DkimSigner } from '../sending/dkim-signature.js';
import type { ClaimOutcome, SendingQueue, SendingTurn, WaitingTenants } from '../sending/relay-turns.js';
import { sendBatch, type BatchResult } from '../sending/send-batch.js';
import type { CampaignOutbox } from './campaign-outbox.js';
import { DomainGate } from './domain-gate.js';
import { RecipientLedger } from './recipient-ledger.js';

/** Most recipients of a claim. */
const maxClaimed = 500;

/** A claim is handed over in about this time, in milliseconds: meanwhile, pausing the campaign does not reach it. */
const claimMs = 10_000;

/** A recipient that the relay still defers at so many claims is FAILED. */
const maxAttempts = 60;

const maxResponse = 1_000;

/** The e-mails of campaigns. */
export class CampaignQueue implements SendingQueue {
  readonly restMs = 1_000;
  /** How many recipients a relay takes in the time of a claim. */
  readonly #sizes = new Map<string, number>();

  constructor(
    private readonly orm: MikroORM,
    private readonly outbox: CampaignOutbox,
  ) {}

  tenants(afterTenantId: string | undefined): Promise<WaitingTenants> {
    return this.outbox.tenants(afterTenantId);
  }

  async endLeases(tenantId: string): Promise<void> {
    await this.outbox.claim({ tenantId, mailboxIds: [], limit: 1, skippedDomains: [] });
  }

  async sendSome(turn: SendingTurn): Promise<ClaimOutcome> {
    const { relay } = turn;
    const em = this.orm.em.fork({ session: tenantSession(relay.tenantId) });
    const wanted = this.#limitOf(turn);
    const share = relay.hasRampUp ? await takeShare(em, relay, wanted) : undefined;
    if (share?.count === 0) {
      await this.endLeases(relay.tenantId);
      return { claimed: 0, handedOver: 0, isRefusing: false, isDone: true, dueMs: share.dayEndMs };
    }
    const room = { unsent: share?.count ?? wanted };
    try {
      return await this.#claimAndSend(turn, em, room);
    } finally {
      if (share) await returnShare(em, relay, share, room.unsent);
    }
  }

  /** @param room how many recipients may be sent to. Becomes how many of them were not, also when it fails */
  async #claimAndSend(turn: SendingTurn, em: EntityManager, room: { unsent: number }): Promise<ClaimOutcome> {
    const { relay, signer } = turn;
    const { tenantId, mailboxIds } = relay;
    const { limited, full, waitSeconds } = await domainRooms(em, tenantId);
    const startMs = performance.now();
    const claim = { tenantId, mailboxIds, limit: room.unsent, skippedDomains: full };
    const { recipients, hasMore } = await this.outbox.claim(claim);
    room.unsent -= recipients.length;
    const ledger = new RecipientLedger((items, begun) => this.outbox.record(tenantId, items, begun));
    const gate = new DomainGate(em, tenantId, limited);
    const deferred = new Set<string>();
    const { handedOver, fault } = await sendBatch(recipients, relay.maxConnections, {
      ...{ pool: turn.pool, stopping: turn.stopping },
      compose: (each) => compose(each, signer),
      begin: (each) => begin(each, gate, ledger),
      settle: (each, result) => {
        if (result.outcome === 'DEFERRED') room.unsent += 1;
        if (result.outcome === 'DEFERRED' && result.isOfRelay) deferred.add(each.domain);
        gate.leave(each, asksForLess(result.response) ? result.response : undefined);
        ledger.settle(settled(each, result));
      },
    });
    await Promise.all([ledger.end(), gate.end()]);
    if (recipients.length > 0) this.#resize(turn, handedOver, performance.now() - startMs);
    return {
      ...{ claimed: recipients.length, handedOver, fault, isDone: !hasMore },
      // One domain may have reasons of its own.
      isRefusing: fault !== undefined || (handedOver === 0 && deferred.size > 1),
      dueMs: waitSeconds === undefined ? undefined : Date.now() + waitSeconds * 1_000,
    };
  }

  #limitOf({ relay: { id, maxConnections, maxPerMinute } }: SendingTurn): number {
    const byRate = maxPerMinute > 0 ? Math.ceil((maxPerMinute * claimMs) / 60_000) : maxClaimed;
    return Math.max(1, Math.min(maxClaimed, byRate, this.#sizes.get(id) ?? maxConnections * 10));
  }

  #resize({ relay: { id, maxConnections } }: SendingTurn, handedOver: number, tookMs: number): void {
    this.#sizes.set(id, Math.max(maxConnections, Math.round((handedOver * claimMs) / Math.max(1, tookMs))));
  }
}

async function compose(each: ClaimedRecipient, signer: DkimSigner | undefined) {
  const content = await composeMail(
    {
      from: { name: each.fromName ?? '', address: each.fromAddress },
      to: [{ name: each.toName ?? '', address: each.to }],
      ...{ subject: each.subject, internetMessageId: each.internetMessageId, headers: each.headers },
      ...{ text: each.text, html: each.html },
    },
    signer,
  );
  return { envelope: { from: each.envelopeFrom, to: [each.to] }, content };
}

/** @returns undefined if the recipient can be sent to */
async function begin(
  { recipientId, attempt, domain }: ClaimedRecipient,
  gate: DomainGate,
  ledger: RecipientLedger,
): Promise<BatchResult | undefined> {
  const waitSeconds = await gate.enter({ id: recipientId, domain });
  if (waitSeconds !== undefined) {
    return { outcome: 'DEFERRED', response: 'The delivery limit of the domain is reached.', deferSeconds: waitSeconds };
  }
  if (await ledger.begin({ recipientId, attempt })) return undefined;
  return { outcome: 'DEFERRED', response: 'The claim has ended.', deferSeconds: 0 };
}

function settled({ recipientId, attempt }: ClaimedRecipient, result: BatchResult): SettledRecipient {
  const { response, deferSeconds } = result;
  const isOld = attempt >= maxAttempts && deferSeconds !== 0;
  return {
    ...{ recipientId, attempt, response: response.slice(0, maxResponse), time: new Date().toISOString() },
    outcome: MailOutcome[result.outcome === 'DEFERRED' && isOld ? 'FAILED' : result.outcome],
    deferSeconds: result.outcome === 'DEFERRED' ? deferSeconds : undefined,
  };
}
