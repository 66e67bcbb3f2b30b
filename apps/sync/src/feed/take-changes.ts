import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { allTenants } from '@rapport/contracts';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { withConnection } from '@rapport/persistence';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { noteChanges, noteLoss } from '../exchange/note-changes.js';
import { forgetErasedHooks } from '../hooks/forget-erased-hooks.js';
import type { JobQueue } from '../jobs/job-queue.js';
import type { SecretEnvelope } from '../secrets/secret-envelope.js';
import { gapEvent } from '../webhooks/event-types.js';
import { recordEvents } from '../webhooks/record-events.js';
import { eventOfChange, platformEvent, type WebhookEvent } from '../webhooks/webhook-event.js';
import { moveCursor } from './feed-cursor.js';
import { countLoss, countTaken } from './feed-metrics.js';
import { traceTaken } from './trace-taken.js';

/** Makes events, deliveries and hints of changes, in the transaction that moves the cursor behind them. */
export class ChangeTaker {
  readonly #logger = new Logger('ChangeTaker');

  /** @param onDeliveries called when deliveries were committed */
  constructor(
    private readonly orm: MikroORM,
    private readonly envelope: SecretEnvelope,
    private readonly onDeliveries: () => void,
    private readonly jobs: JobQueue,
  ) {}

  async take(changes: readonly Change[], feed: string, from: string | undefined, to: string): Promise<void> {
    await traceTaken(changes, (traced) =>
      this.#inTransaction(async (client) => {
        let deliveries = 0;
        for (const tenantId of await tenantsAmong(client, traced)) {
          const own = traced.filter((change) => change.tenantId === tenantId || change.tenantId === allTenants);
          const events = own.map((change) => eventOf(change));
          this.#tellGaps(tenantId, events);
          deliveries += await recordEvents(client, this.envelope, tenantId, events);
        }
        await noteChanges(client, this.jobs, changes);
        await forgetErasedHooks(client, changes);
        await moveCursor(client, feed, from, to);
        return deliveries;
      }),
    );
    countTaken(changes.map(({ time }) => Date.parse(time ?? '')).filter(Number.isFinite));
  }

  /** The same when the changes up to a cursor are lost. */
  async takeLoss(feed: string, from: string | undefined, to: string): Promise<void> {
    await this.#inTransaction(async (client) => {
      const { rows } = await client.query<{ tenant_id: string }>('select tenant_id from webhook_tenant');
      let deliveries = 0;
      for (const { tenant_id: tenantId } of rows) {
        const event = platformEvent(uuidv7(), gapEvent, { reason: 'CURSOR_EXPIRED' });
        deliveries += await recordEvents(client, this.envelope, tenantId, [event]);
      }
      await noteLoss(client, this.jobs);
      await moveCursor(client, feed, from, to);
      return deliveries;
    });
    countLoss('cursor-expired');
  }

  async #inTransaction(work: (client: ClientBase) => Promise<number>): Promise<void> {
    const deliveries = await withConnection(this.orm.em.fork(), async (client) => {
      await client.query('begin');
      const made = await work(client);
      await client.query('commit');
      return made;
    });
    if (deliveries > 0) this.onDeliveries();
  }

  #tellGaps(tenantId: string, events: readonly WebhookEvent[]): void {
    for (const { type, after } of events) {
      if (type !== gapEvent) continue;
      countLoss('gap');
      this.#logger.error(`The change log has a gap for the tenant ${tenantId}: ${JSON.stringify(after)}.`);
    }
  }
}

/** The event of a change: of a gap of all tenants, one for each. */
function eventOf(change: Change): WebhookEvent {
  return change.tenantId === allTenants ? { ...eventOfChange(change), id: uuidv7() } : eventOfChange(change);
}

/** The tenants that changes are about and that have endpoints. */
async function tenantsAmong(client: ClientBase, changes: readonly Change[]): Promise<string[]> {
  if (changes.length === 0) return [];
  const ids = [...new Set(changes.map(({ tenantId }) => tenantId))];
  const isForAll = ids.includes(allTenants);
  const { rows } = await client.query<{ tenant_id: string }>({
    name: 'webhook_tenants',
    text: 'select tenant_id from webhook_tenant where $2 or tenant_id = any ($1::uuid[]) order by tenant_id',
    values: [ids, isForAll],
  });
  return rows.map(({ tenant_id }) => tenant_id);
}
