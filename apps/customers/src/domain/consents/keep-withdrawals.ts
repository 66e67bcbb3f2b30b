import type { EntityManager } from '@mikro-orm/postgresql';
import { beyondScope, queryRows, runStatements } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { UndoFollower, type UndoneMerge } from '../../engine/merge/unmerge-customers.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { ownCustomers } from '../../engine/query/own-customers.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { consentColumns, type ConsentRow } from './consent-message.js';
import { recordConsent } from './create-consent.js';

/** Most withdrawals that one undo keeps: two customers have few purposes and channels. */
const maxKept = 1_000;

/**
 * Records for a customer whose merge is undone what was withdrawn for the surviving one meanwhile: either person may have said it, and
 * without it, an earlier consent of the restored customer would be in force again. What was given meanwhile stays with the surviving
 * customer.
 */
export class KeptWithdrawals extends UndoFollower {
  constructor(private readonly suppressionKey: SuppressionKey) {
    super();
  }

  override async followUndo(em: EntityManager, { survivorId, restored, mergeTime }: UndoneMerge): Promise<void> {
    const rows = await withdrawalsSince(em, survivorId, mergeTime);
    if (rows.length === 0) return;
    const key = await this.suppressionKey.of(em);
    await currentSeal()?.prepare([restored.id]);
    const createTime = new Date();
    for (const { purpose, channel, legalBasis, source, time } of rows) {
      await recordConsent(em, key, restored, {
        ...{ id: uuidv7(), customerId: restored.id, purpose, channel, state: 'WITHDRAWN', legalBasis, source, time },
        ...{ evidence: `Said of the customer ${survivorId}, with which this one was merged.`, createTime },
        createdBy: currentCaller().principalId,
      });
    }
  }
}

/** What was withdrawn since a time, and not given again, also for the customers that are merged into one. */
async function withdrawalsSince(em: EntityManager, customerId: string, since: Date): Promise<ConsentRow[]> {
  await runStatements(em, beyondScope);
  return queryRows<ConsentRow>(em, {
    name: 'withdrawals_since',
    sql: `with recursive ${ownCustomers}, newest as (
        select distinct on (purpose, channel) consent.*
        from own join consent on consent.tenant_id = $1 and consent.customer_id = own.id
        where consent.create_time >= $3
        order by purpose, channel, time desc, consent.id desc)
      select ${consentColumns} from newest consent where state = 'WITHDRAWN' order by consent.id limit ${maxKept}`,
    values: [currentCaller().tenantId, customerId, since],
  });
}
