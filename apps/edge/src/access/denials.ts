import type { Denial } from '@rapport/contracts/rapport/auth/v1/security_events_service';
import { metrics, type Logger } from '@rapport/platform';
import { Counter } from 'prom-client';
import { v7 as uuidv7 } from 'uuid';
import type { ServiceClients } from '../calls/service-clients.js';

const method = '/rapport.auth.v1.SecurityEventsService/RecordDenials';
/** How long denials are gathered into one batch, in milliseconds. */
const gatherMs = 1_000;
const mostWaiting = 1_000;
/** The contract's limit for one batch. */
const mostAtOnce = 200;
const deadlineMs = 2_000;

const dropped = new Counter({
  name: 'rapport_denials_dropped_total',
  help: 'Refused calls that were not reported to auth, because there were too many or auth could not be reached.',
  registers: [metrics],
});

/** Reports calls that were refused for want of a permission to auth: in batches, and without delaying any request. */
export class Denials {
  #waiting: Denial[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(
    private readonly clients: ServiceClients,
    private readonly logger: Logger,
  ) {}

  note(denial: Denial): void {
    if (this.#waiting.length >= mostWaiting) return dropped.inc();
    this.#waiting.push(denial);
    this.#timer ??= setTimeout(() => this.#send(), gatherMs);
  }

  /** Sends the pending batch first. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#send();
    await this.#sending;
  }

  #send(): void {
    this.#timer = undefined;
    const denials = this.#waiting;
    this.#waiting = [];
    this.#sending = this.#sending.then(async () => {
      for (let from = 0; from < denials.length; from += mostAtOnce) {
        await this.#report(denials.slice(from, from + mostAtOnce));
      }
    });
  }

  async #report(denials: Denial[]): Promise<void> {
    const context = { requestId: uuidv7() };
    try {
      await this.clients.for(method).unary(method, { denials }, { context, deadlineMs });
    } catch (error) {
      dropped.inc(denials.length);
      this.logger.warn({ err: error, denials: denials.length }, 'refused calls could not be reported to auth');
    }
  }
}
