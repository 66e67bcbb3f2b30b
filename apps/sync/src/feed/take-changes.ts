import { Logger } from '@nestjs/common';
import type { MikroORM } from '@mikro-orm/postgresql';
import { allTenants } from '@rapport/contracts';
import { Change, ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { pipeline, withConnection } from '@rapport/persistence';
import { errorKind } from '@rapport/platform';
import type { ClientBase } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { deferChanges } from './deferred-changes.js';
import { moveCursor } from './feed-cursor.js';
import { countLoss, countTaken } from './feed-metrics.js';
import { isTransient } from './transient-errors.js';
import { interestsIn, takeOfTenant, type Interest, type Taken, type TakingParts } from './tenant-changes.js';
import { traceTaken } from './trace-taken.js';

/** Lock timeout per tenant, during which all other tenants wait too. */
export const lockTimeoutMs = 100;

/** Maximum number of deliveries that one tenant's changes of a batch create at once. With more, the changes are deferred. */
const maxDeliveries = 1_000;

/**
 * Creates events, deliveries, hints and runs of flows for changes, in the transaction that moves the cursor past them. Changes of a
 * tenant that fail or take too long are deferred in the same transaction, so that no tenant delays the others.
 */
export class ChangeTaker {
  readonly #logger = new Logger('ChangeTaker');

  /**
   * @param onTaken called after changes, and their deliveries and runs, were committed
   * @param onDeferred called after changes were deferred
   */
  constructor(
    private readonly orm: MikroORM,
    private readonly parts: TakingParts,
    private readonly onTaken: (taken: Taken, changes: readonly Change[]) => void,
    private readonly onDeferred: () => void,
  ) {}

  async take(changes: readonly Change[], from: string | undefined, to: string): Promise<void> {
    await traceTaken(changes, async (traced) => {
      const { deferred, ...taken } = await withConnection(this.orm.em.fork(), async (client) => {
        await client.query('begin');
        const done = await this.#takeAll(client, traced);
        await moveCursor(client, from, to);
        await client.query('commit');
        return done;
      });
      this.onTaken(taken, changes);
      if (deferred.size > 0) this.onDeferred();
      countTaken(changes.filter(({ id }) => !deferred.has(id)));
    });
  }

  /** The same for changes up to a cursor that are lost. */
  async takeLoss(from: string | undefined, to: string): Promise<void> {
    const loss = {
      ...Change.decode(new Uint8Array()),
      ...{ id: uuidv7(), tenantId: allTenants, type: 'customer', operation: ChangeOperation.GAP },
      ...{ time: new Date().toISOString(), after: { reason: 'CURSOR_EXPIRED' }, actor: 'service:sync', origin: 'sync' },
    };
    await this.take([loss], from, to);
    countLoss('cursor-expired');
  }

  async #takeAll(client: ClientBase, changes: readonly Change[]): Promise<Taken & { deferred: ReadonlySet<string> }> {
    const tenantIds = [...new Set(changes.map(({ tenantId }) => tenantId))];
    const deferred = new Set<string>();
    const taken = { deliveries: 0, runs: 0 };
    for (const interest of await interestsIn(client, tenantIds)) {
      const own = changes.filter(({ tenantId }) => tenantId === interest.tenantId || tenantId === allTenants);
      this.#tellGaps(interest.tenantId, own);
      const made = await this.#takeOne(client, interest, own);
      if (made === undefined) for (const { id } of own) deferred.add(id);
      else {
        taken.deliveries += made.deliveries;
        taken.runs += made.runs;
      }
    }
    return { ...taken, deferred };
  }

  /** @returns undefined when the changes were deferred */
  async #takeOne(client: ClientBase, interest: Interest, own: readonly Change[]): Promise<Taken | undefined> {
    const { tenantId } = interest;
    if (!interest.isWaiting) {
      await pipeline(client, [
        { name: 'save_before_tenant', sql: 'savepoint tenant' },
        { name: 'bound_lock_wait', sql: `set local lock_timeout = ${lockTimeoutMs}` },
      ]);
      try {
        const taken = await takeOfTenant(client, this.parts, interest, own, maxDeliveries);
        await client.query('release savepoint tenant');
        return taken;
      } catch (error) {
        if (isTransient(error)) throw error;
        await client.query('rollback to savepoint tenant');
        this.#logger.debug(`Changes of the tenant ${tenantId} are deferred: ${errorKind(error)}.`);
      }
    }
    await deferChanges(client, this.parts.envelope, tenantId, own);
    return undefined;
  }

  #tellGaps(tenantId: string, changes: readonly Change[]): void {
    for (const { operation, type, after } of changes) {
      if (operation !== ChangeOperation.GAP || after) continue;
      countLoss('gap');
      this.#logger.error(`The change log has a gap for the tenant ${tenantId}: ${type}.`);
    }
  }
}
