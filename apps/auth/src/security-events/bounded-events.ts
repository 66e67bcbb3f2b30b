import { Injectable, Logger } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { readForTenant, tenantSession } from '@rapport/persistence';
import { metrics } from '@rapport/platform';
import { LRUCache } from 'lru-cache';
import { Counter } from 'prom-client';
import { recordSecurityEvent, type SecurityEvent } from './security-event.js';

const windowMs = 3_600_000;
/** Maximum events of one tenant and kind in an hour and a process: some 25 kB. */
const maxPerWindow = 60;
/** Maximum windows in memory. To evict one, a caller must cause events of that many others. */
const maxWindows = 10_000;

const omittedEvents = new Counter({
  name: 'rapport_security_events_omitted_total',
  help: 'Security events that were counted instead of recorded, because their tenant and kind had too many.',
  labelNames: ['kind'] as const,
  registers: [metrics],
});

interface Window {
  endMs: number;
  recorded: number;
  omitted: number;
}

/**
 * Records events that unauthenticated callers can cause, such as refusals, without filling the disk: at most 60 for each tenant and
 * kind in an hour. The next recorded event has the number of omitted ones.
 */
@Injectable()
export class BoundedEvents {
  readonly #logger = new Logger('BoundedEvents');
  readonly #windows = new LRUCache<string, Window>({ max: maxWindows });

  constructor(private readonly orm: MikroORM) {}

  /** Records in the background, so that a refusal takes no longer than a success. */
  recordLater(tenantId: string, event: SecurityEvent): void {
    this.record(tenantId, event).catch((error: unknown) =>
      this.#logger.warn(`A security event could not be recorded: ${String(error)}`),
    );
  }

  /** Ignores tenants that do not exist, since a caller can invent an id. */
  async record(tenantId: string, event: SecurityEvent): Promise<void> {
    const window = this.#windowOf(`${event.kind} ${tenantId}`);
    if (window.recorded >= maxPerWindow) {
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
