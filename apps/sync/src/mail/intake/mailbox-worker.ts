import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { ContractClient } from '@rapport/contracts';
import { tenantSession } from '@rapport/persistence';
import { errorKind, LoopWorker, WorkerLoop } from '@rapport/platform';
import { IdlePace } from '../idle-pace.js';
import type { ReadMailbox } from '../mailboxes/find-mailbox.js';
import { Mailbox } from '../mailboxes/mailbox.entity.js';
import { announceAddresses } from './announce-addresses.js';
import { MailServerError, serverError, type ImapAccounts } from './imap-accounts.js';
import { claimTurns, heldTurns, releaseTurn, settleTurn, type MailboxTurn } from './mailbox-turns.js';
import { readMailbox } from './read-mailbox.js';
import type { StoredMail } from './stored-mail.js';

/** Longest pause between polls, in milliseconds: other processes change mailboxes too. Changes in this process wake the worker. */
const lookEveryMs = 5_000;

/** Interval between renewals of leases, in milliseconds. */
const renewEveryMs = 5_000;

/** Mailboxes that a process reads, each over a connection of its own. */
const maxReading = 500;

/** Mailboxes that are claimed at once, so that several processes share them. */
const maxClaimed = 20;

interface Reading {
  turn: MailboxTurn;
  stopping: AbortController;
  done: Promise<void>;
}

export interface MailboxWorkerParts {
  accounts: ImapAccounts;
  stored: StoredMail;
  customers: Pick<ContractClient, 'unary'>;
  /** Called after mails were stored. */
  onStored: () => void;
}

/**
 * Reads the mailboxes of all tenants. Each is read by one process, which holds a lease on it: when the process dies,
 * another one continues at the positions.
 */
export class MailboxWorker extends LoopWorker {
  readonly #logger = new Logger('MailboxWorker');
  readonly #worker = randomUUID();
  readonly #reading = new Map<string, Reading>();
  readonly #pace = new IdlePace(lookEveryMs);
  #renewedMs = 0;
  protected readonly loop = new WorkerLoop({
    pass: ({ isWoken }) => this.#pass(isWoken),
    intervalMs: lookEveryMs,
    retryMs: 1_000,
    onOutage: (error) => this.#logger.warn("Can't look for mailboxes.", error),
  });

  constructor(
    private readonly orm: MikroORM,
    private readonly parts: MailboxWorkerParts,
  ) {
    super();
  }

  override async onModuleDestroy(): Promise<void> {
    await super.onModuleDestroy();
    for (const { stopping } of this.#reading.values()) stopping.abort();
    await Promise.all([...this.#reading.values()].map(({ done }) => done));
  }

  /** @returns the pause before the next one. A woken pass is busy: a turn that has failed is due again soon. */
  async #pass(isWoken: boolean): Promise<number> {
    const em = this.orm.em.fork();
    await this.#stopChanged();
    const room = Math.min(maxReading - this.#reading.size, maxClaimed);
    const turns = room > 0 ? await claimTurns(em, this.#worker, room) : [];
    for (const turn of turns) this.#begin(turn);
    // Last: without customers, mail is still read up to the point where it is stored.
    while (await announceAddresses(em, this.parts.customers));
    return this.#pace.after({ isBusy: isWoken || turns.length > 0 });
  }

  /** Renews the leases, and ends the reading of mailboxes that have changed, or that another process has taken over. */
  async #stopChanged(): Promise<void> {
    const renews = Date.now() - this.#renewedMs >= renewEveryMs;
    const held = await heldTurns(this.orm.em.fork(), this.#worker, [...this.#reading.keys()], renews);
    if (renews) this.#renewedMs = Date.now();
    for (const [id, { turn, stopping }] of this.#reading) if (held.get(id) !== turn.revision) stopping.abort();
  }

  #begin(turn: MailboxTurn): void {
    // The lease ended without a chance to renew it. Its reader is about to end.
    if (this.#reading.has(turn.mailboxId)) return;
    const stopping = new AbortController();
    const done = this.#read(turn, stopping)
      .catch((error: unknown) => this.#logger.warn(`A turn is left until its lease ends: ${errorKind(error)}.`))
      .finally(() => {
        this.#reading.delete(turn.mailboxId);
        // Changed mailboxes are read again at once.
        if (!this.loop.signal.aborted) this.wake();
      });
    this.#reading.set(turn.mailboxId, { turn, stopping, done });
  }

  async #read(turn: MailboxTurn, stopping: AbortController): Promise<void> {
    const { mailboxId: id, tenantId } = turn;
    const { signal } = stopping;
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    const failure = await this.#follow(turn, stopping).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined && !signal.aborted) {
      const { reason, message } = serverError(failure);
      const isKnown = failure instanceof MailServerError;
      this.#logger.warn(`The mailbox ${id} is not read: ${isKnown ? reason : errorKind(failure)}.`);
      const state = reason === 'UNAUTHORISED' ? 'REAUTH' : 'FAILING';
      await settleTurn(em, this.#worker, turn, { state, reason: message });
    }
    await releaseTurn(em, this.#worker, turn, failure !== undefined && !signal.aborted);
  }

  async #follow(turn: MailboxTurn, stopping: AbortController): Promise<void> {
    const { tenantId, mailboxId: id } = turn;
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    const mailbox = await em.findOne(Mailbox, { tenantId, id });
    if (!mailbox?.imap) return;
    const onSkipped = (folder: string, uid: number, bytes: number) =>
      this.#logger.warn(`The mail ${uid} of ${bytes} bytes in ${folder} of mailbox ${id} is too large to be stored.`);
    const beforeStore = async () => {
      const held = await heldTurns(em, this.#worker, [id], false);
      if (held.get(id) !== turn.revision) stopping.abort();
    };
    const onRead = async (mails: number) => {
      if (mails > 0) this.parts.onStored();
      await settleTurn(em, this.#worker, turn, { state: 'ACTIVE' });
    };
    const reader = { em, ...this.parts, signal: stopping.signal, beforeStore, onSkipped, onRead };
    await readMailbox(reader, mailbox as ReadMailbox);
  }
}
