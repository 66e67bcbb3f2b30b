import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { LoopWorker, WorkerLoop } from '@rapport/platform';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { IdlePace } from '../idle-pace.js';
import { openRelaySecrets } from '../relays/relay-secrets.js';
import { RelayError } from '../relays/relay-session.js';
import type { DkimSigner } from './dkim-signature.js';
import type { RelayPool } from './relay-pool.js';
import type { RelayPools } from './relay-pools.js';
import { findSendingRelays, noteRelayState, type SendingRelay } from './sending-relays.js';

/** Interval between polls while customers is away, in milliseconds. */
const retryMs = 1_000;

/** Tenants that a process serves at once, so that a slow relay holds up no other tenant. */
const maxTenants = 20;

/** Messages of a turn of a relay: between two turns, other tenants have theirs. */
const turnSize = 50;

/** How long a tenant rests that has messages and no relay for them, in milliseconds. */
const restMs = 10_000;

/** The clock of the database may be behind: what is due by this one is not due there. In milliseconds. */
const leastPauseMs = 50;

/** Tenants with messages to send. */
export interface WaitingTenants {
  tenantIds: string[];
  /** When others have some. */
  nextTime?: string | undefined;
}

/** What one claim sends by. */
export interface SendingTurn {
  relay: SendingRelay;
  pool: RelayPool;
  signer: DkimSigner | undefined;
  /** No other message is begun once it is aborted. */
  stopping: AbortSignal;
}

/** What became of a claim. */
export interface ClaimOutcome {
  claimed: number;
  handedOver: number;
  /** True if the relay takes nothing for the moment. */
  isRefusing: boolean;
  /** True when the queue is empty. */
  isDone: boolean;
  /** The error of the relay, if it fell out. */
  fault?: RelayError | undefined;
  /** When a message of this claim, or one that it has left out, is due. In milliseconds of the clock. */
  dueMs?: number | undefined;
}

/** Messages of one kind, which customers keep. */
export interface SendingQueue {
  /** How long a tenant rests that was listed and of which nothing could be claimed, in milliseconds. */
  readonly restMs: number;
  tenants(afterTenantId: string | undefined): Promise<WaitingTenants>;
  /** Gives up claims whose leases have ended. */
  endLeases(tenantId: string): Promise<void>;
  /** Claims some messages, and hands them over. */
  sendSome(turn: SendingTurn): Promise<ClaimOutcome>;
}

export interface RelayTurnsParts {
  orm: MikroORM;
  envelope: SecretEnvelope;
  pools: RelayPools;
  queue: SendingQueue;
}

/**
 * Hands the messages of a queue over to the relays of all tenants, in each process. A message is claimed once: after that,
 * only its relay decides, and what the process does not know is UNKNOWN.
 */
export class RelayTurns extends LoopWorker {
  readonly #logger = new Logger(this.constructor.name);
  protected readonly loop = new WorkerLoop({
    pass: () => this.#pass(),
    intervalMs: retryMs,
    onOutage: (error) => this.#logger.warn("Can't look for messages to send.", error),
  });
  readonly #pace = new IdlePace();
  readonly #turns = new Map<string, Promise<void>>();
  /** Until when tenants rest. */
  readonly #resting = new Map<string, number>();
  /** When other messages are due that this process knows of. */
  #dueMs = Infinity;
  #after: string | undefined;

  constructor(private readonly parts: RelayTurnsParts) {
    super();
  }

  /** Ends once each begun message has its outcome. */
  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    await Promise.all(this.#turns.values());
  }

  /** @returns the pause before the next one */
  async #pass(): Promise<number> {
    const now = Date.now();
    for (const [tenantId, untilMs] of this.#resting) if (untilMs <= now) this.#resting.delete(tenantId);
    if (this.#dueMs <= now) this.#dueMs = Infinity;
    await this.#beginTurns();
    const pauseMs = this.#pace.after({ isBusy: this.#turns.size > 0 });
    return Math.max(leastPauseMs, Math.min(pauseMs, Math.min(this.#dueMs, ...this.#resting.values()) - Date.now()));
  }

  /** Begins the turns of tenants, in a circle of their ids. */
  async #beginTurns(): Promise<void> {
    for (let pages = 0; pages < 10 && this.#turns.size < maxTenants; pages += 1) {
      const { tenantIds: found, nextTime } = await this.parts.queue.tenants(this.#after);
      if (nextTime !== undefined) this.#isDue(Date.parse(nextTime));
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
        this.wake();
      });
    this.#turns.set(tenantId, turn);
  }

  /** One turn of each relay of a tenant. */
  async #serve(tenantId: string): Promise<void> {
    const { orm, pools, queue } = this.parts;
    const relays = await findSendingRelays(orm.em.fork({ session: tenantSession(tenantId) }), tenantId);
    const ready = relays.filter((relay) => pools.isReady(relay));
    const sent = await Promise.all(ready.map((relay) => this.#sendBy(relay)));
    if (sent.some(({ claimed }) => claimed > 0)) return;
    if (ready.length === 0) await queue.endLeases(tenantId);
    const times = [...sent.map((each) => each.dueMs ?? Infinity), ...relays.map((relay) => pools.readyMs(relay))];
    const next = times.filter((time) => time > Date.now());
    this.#resting.set(tenantId, Math.min(Date.now() + (ready.length > 0 ? queue.restMs : restMs), ...next));
  }

  async #sendBy(relay: SendingRelay): Promise<Pick<ClaimOutcome, 'claimed' | 'dueMs'>> {
    const { orm, pools } = this.parts;
    const em = orm.em.fork({ session: tenantSession(relay.tenantId) });
    const pool = pools.of(relay);
    try {
      // A relay that is down claims nothing, so that its messages stay queued.
      await pool.probe();
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      pools.failed(relay);
      await noteRelayState(em, relay, { reason: error.reason, description: error.message });
      return { claimed: 0 };
    }
    if (relay.state !== 'ACTIVE') await noteRelayState(em, relay, undefined);
    for (let total = 0; ;) {
      const { claimed, dueMs, ...outcome } = await this.#sendSome(relay, pool);
      total += claimed;
      if (dueMs !== undefined) this.#isDue(dueMs);
      const isEnd = outcome.isDone || outcome.isRefusing || this.loop.signal.aborted;
      if (isEnd || total >= turnSize) return { claimed: total, dueMs };
    }
  }

  /** One claim. */
  async #sendSome(relay: SendingRelay, pool: RelayPool): Promise<ClaimOutcome> {
    const { orm, pools, queue } = this.parts;
    const turn = { relay, pool, signer: this.#signerOf(relay), stopping: this.loop.signal };
    const outcome = await queue.sendSome(turn);
    if (outcome.isRefusing) pools.failed(relay);
    else if (outcome.handedOver > 0) pools.succeeded(relay);
    if (outcome.fault) {
      const em = orm.em.fork({ session: tenantSession(relay.tenantId) });
      await noteRelayState(em, relay, { reason: outcome.fault.reason, description: outcome.fault.message });
    }
    return outcome;
  }

  #isDue(dueMs: number): void {
    this.#dueMs = Math.min(this.#dueMs, dueMs);
  }

  #signerOf(relay: SendingRelay): DkimSigner | undefined {
    if (!relay.dkim?.key) return undefined;
    const { dkimKey } = openRelaySecrets(this.parts.envelope, relay);
    if (dkimKey === undefined) return undefined;
    return { domainName: relay.dkim.domain, keySelector: relay.dkim.key.selector, privateKey: dkimKey };
  }
}
