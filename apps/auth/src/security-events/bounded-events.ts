import { Injectable, Logger } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { metrics } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import { Counter } from 'prom-client';
import { recordSecurityEvent, type SecurityEvent } from './security-event.js';

const windowMs = 3_600_000;
/** Of one tenant and kind in an hour and a process: some 25 kB. */
const mostPerWindow = 60;
/** Tenants and kinds that are counted at a time. Who makes the process forget one has made events of so many others. */
const maxWindows = 10_000;

const omittedEvents = new Counter({
  name: 'rapport_security_events_omitted_total',
  help: 'Refusals that were not noted one by one, because there were too many.',
  labelNames: ['kind'] as const,
  registers: [metrics],
});

interface Window {
  endMs: number;
  recorded: number;
  omitted: number;
}

/**
 * Notes events that anybody may cause, such as refusals, without letting them fill the disk: so many of a tenant and kind
 * in an hour, and how many there were besides in the next that is noted.
 */
@Injectable()
export class BoundedEvents {
  readonly #logger = new Logger('BoundedEvents');
  readonly #windows = new LRUCache<string, Window>({ max: maxWindows });

  constructor(private readonly orm: MikroORM) {}

  /** Without anybody waiting for it: a refusal takes no longer than a success. */
  recordLater(tenantId: string, event: SecurityEvent): void {
    this.record(tenantId, event).catch((error: unknown) =>
      this.#logger.warn(`A security event could not be noted: ${String(error)}`),
    );
  }

  /** Does nothing for a tenant that does not exist: an identifier can be made up. */
  async record(tenantId: string, event: SecurityEvent): Promise<void> {
    const window = this.#windowOf(`${event.kind} ${tenantId}`);
    if (window.recorded >= mostPerWindow) {
      window.omitted += 1;
      omittedEvents.inc({ kind: event.kind });
      return;
    }
    window.recorded += 1;
    const em = this.orm.em.fork({ session: tenantSession(tenantId) });
    const known = await readForTenant(em, {
      name: 'tenant_known',
      sql: 'select from tenant where tenant_id = $1',
      values: [tenantId],
    });
    if (known.length === 0) return;
    const { omitted } = window;
    window.omitted = 0;
    await recordSecurityEvent(em, omitted > 0 ? { ...event, detail: { ...event.detail, omitted } } : event);
  }

  #windowOf(key: string): Window {
    const nowMs = Date.now();
    const known = this.#windows.get(key);
    if (known && known.endMs > nowMs) return known;
    const window = { endMs: nowMs + windowMs, recorded: 0, omitted: known?.omitted ?? 0 };
    this.#windows.set(key, window);
    return window;
  }
}
