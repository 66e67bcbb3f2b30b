import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { WorkerLoop } from '@rapport/platform';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { IdlePace } from '../idle-pace.js';
import type { RelayConnector } from '../relays/connect-relay.js';
import { openRelaySecrets } from '../relays/relay-secrets.js';
import { RelayError } from '../relays/relay-session.js';
import type { DkimSigner } from './compose-mail.js';
import type { Outbox } from './outbox.js';
import type { RelayPool } from './relay-pool.js';
import { RelayPools } from './relay-pools.js';
import { sendBatch } from './send-batch.js';
import { findSendingRelays, noteRelayState, type SendingRelay } from './sending-relays.js';
import { Settling } from './settling.js';

/** Interval between polls while customers is away, in milliseconds. */
const retryMs = 1_000;

/** Tenants that a process serves at once, so that a slow relay holds up no other tenant. */
const maxTenants = 20;

/** Messages of a turn of a relay: between two turns, other tenants have theirs. */
const turnSize = 50;

/** Messages of a claim for each connection: few, since all of them are UNKNOWN when the process dies. */
const claimedEach = 3;

/** How long a tenant rests that has messages and no relay for them, in milliseconds. */
const restMs = 10_000;

/**
 * Hands queued messages of all tenants over to their relays, in each process. A message is claimed once: after that, only
 * its relay decides, and what the process does not know is UNKNOWN.
 */
export class MailSender implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #logger = new Logger('MailSender');
  readonly #loop = new WorkerLoop({
    pass: () => this.#pass(),
    intervalMs: retryMs,
    onOutage: (error) => this.#logger.warn("Can't look for messages to send.", error),
  });
  readonly #pace = new IdlePace();
  readonly #turns = new Map<string, Promise<void>>();
  /** Until when tenants rest. */
  readonly #resting = new Map<string, number>();
  /** When messages are due that this process has deferred. */
  #dueMs = Infinity;
  readonly #pools: RelayPools;
  #after: string | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly outbox: Outbox,
    private readonly envelope: SecretEnvelope,
    connector: RelayConnector,
  ) {
    this.#pools = new RelayPools(connector);
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  /** Ends once each begun message has its outcome. */
  async onModuleDestroy(): Promise<void> {
    await this.#loop.stop();
    await Promise.all(this.#turns.values());
    this.#pools.close();
  }

  /** Looks at once, because messages were queued. */
  wake(): void {
    this.#loop.wake();
  }

  /** @returns the pause before the next one */
  async #pass(): Promise<number> {
    const now = Date.now();
    for (const [tenantId, untilMs] of this.#resting) if (untilMs <= now) this.#resting.delete(tenantId);
    if (this.#dueMs <= now) this.#dueMs = Infinity;
    await this.#beginTurns();
    const pauseMs = this.#pace.after({ isBusy: this.#turns.size > 0 });
    return Math.max(0, Math.min(pauseMs, Math.min(this.#dueMs, ...this.#resting.values()) - Date.now()));
  }

  /** Begins the turns of tenants, in a circle of their ids. */
  async #beginTurns(): Promise<void> {
    for (let pages = 0; pages < 10 && this.#turns.size < maxTenants; pages += 1) {
      const found = await this.outbox.tenants(this.#after);
      const idle = found.filter((tenantId) => !this.#turns.has(tenantId) && !this.#resting.has(tenantId));
      const begun = idle.slice(0, maxTenants - this.#turns.size);
      for (const tenantId of begun) this.#begin(tenantId);
      const wasStart = this.#after === undefined;
      this.#after = begun.length < idle.length ? begun.at(-1) : found.at(-1);
      if (found.length === 0 && wasStart) return;
      if (begun.length < idle.length) return;
    }
  }

  #begin(tenantId: string): void {
    const turn = this.#serve(tenantId)
      .catch((error: unknown) => {
        this.#resting.set(tenantId, Date.now() + restMs);
        this.#logger.warn(`Messages of the tenant ${tenantId} could not be sent.`, error);
      })
      .finally(() => {
        this.#turns.delete(tenantId);
        this.#loop.wake();
      });
    this.#turns.set(tenantId, turn);
  }

  /** One batch of each relay of a tenant. */
  async #serve(tenantId: string): Promise<void> {
    const relays = await findSendingRelays(this.orm.em.fork({ session: tenantSession(tenantId) }), tenantId);
    const ready = relays.filter((relay) => this.#pools.isReady(relay));
    const sent = await Promise.all(ready.map((relay) => this.#sendBy(relay)));
    if (sent.some((count) => count > 0)) return;
    if (ready.length === 0) await this.outbox.claim(tenantId, [], 1);
    this.#resting.set(tenantId, Date.now() + restMs);
  }

  /** @returns the number of messages that were claimed */
  async #sendBy(relay: SendingRelay): Promise<number> {
    const { tenantId } = relay;
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    const pool = this.#pools.of(relay);
    try {
      // A relay that is down claims nothing, so that its messages stay QUEUED.
      await pool.probe();
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      this.#pools.failed(relay);
      await noteRelayState(em, relay, { reason: error.reason, description: error.message });
      return 0;
    }
    if (relay.state !== 'ACTIVE') await noteRelayState(em, relay, undefined);
    for (let count = 0; ;) {
      const { claimed, isDone } = await this.#sendSome(relay, pool);
      count += claimed;
      if (isDone || count >= turnSize || this.#loop.signal.aborted) return count;
    }
  }

  /** One claim. @returns done when the queue is empty, or the relay needs a rest */
  async #sendSome(relay: SendingRelay, pool: RelayPool): Promise<{ claimed: number; isDone: boolean }> {
    const { tenantId, mailboxIds, maxConnections } = relay;
    const limit = maxConnections * claimedEach;
    const claimed = await this.outbox.claim(tenantId, mailboxIds, limit);
    const settling = new Settling(this.outbox, tenantId);
    const { handedOver, deferred, fault } = await sendBatch(claimed, maxConnections, {
      ...{ tenantId, outbox: this.outbox, pool, signer: this.#signerOf(relay), stopping: this.#loop.signal },
      settle: (item) => {
        settling.add(item);
        if (item.deferSeconds) this.#dueMs = Math.min(this.#dueMs, Date.now() + item.deferSeconds * 1_000);
      },
    });
    await settling.end();
    const isRefusing = fault !== undefined || (deferred > 0 && handedOver === 0);
    if (isRefusing) this.#pools.failed(relay);
    else if (handedOver > 0) this.#pools.succeeded(relay);
    if (fault) {
      const em = this.orm.em.fork({ session: tenantSession(tenantId) });
      await noteRelayState(em, relay, { reason: fault.reason, description: fault.message });
    }
    return { claimed: claimed.length, isDone: claimed.length < limit || isRefusing };
  }

  #signerOf(relay: SendingRelay): DkimSigner | undefined {
    if (!relay.dkim?.key) return undefined;
    const { dkimKey } = openRelaySecrets(this.envelope, relay);
    if (dkimKey === undefined) return undefined;
    return { domainName: relay.dkim.domain, keySelector: relay.dkim.key.selector, privateKey: dkimKey };
  }
}
