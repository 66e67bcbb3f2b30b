import type { FactoryProvider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { areMappingsDue, MappingTicker } from '../exchange/runs/mapping-ticker.js';
import { areChangesDeferred } from '../feed/deferred-changes.js';
import { DeferredWorker } from '../feed/deferred-worker.js';
import { NoticeWorker } from '../flows/approvals/notice-worker.js';
import { BackfillWorker } from '../flows/backfills/backfill-worker.js';
import { areBackfillsDue } from '../flows/backfills/claim-backfills.js';
import { areNoticesDue } from '../flows/approvals/notices.js';
import { areClocksDue } from '../flows/triggers/times/clock-row.js';
import { ClockWorker } from '../flows/triggers/times/clock-worker.js';
import { areRunsDue } from '../flows/worker/claim-runs.js';
import { FlowWorker } from '../flows/worker/flow-worker.js';
import { DueWork } from '../storage/due-work.js';
import { areRunsQueued, JobQueue } from '../storage/job-queue.js';
import { areThereDeliveries } from '../webhooks/deliveries/claim-jobs.js';
import { Dispatcher } from '../webhooks/deliveries/dispatcher.js';

/** Polls for all workers whose work is in the database of sync. */
export const dueWorkProvider: FactoryProvider<DueWork> = {
  provide: DueWork,
  useFactory: (
    orm: MikroORM,
    dispatcher: Dispatcher,
    ...[deferred, runs, backfills, clocks, notices, mappings, jobs]: [
      DeferredWorker,
      FlowWorker,
      BackfillWorker,
      ClockWorker,
      NoticeWorker,
      MappingTicker,
      JobQueue,
    ]
  ) =>
    new DueWork(orm, [
      { condition: areThereDeliveries, worker: dispatcher },
      { condition: areChangesDeferred, worker: deferred },
      { condition: areRunsDue, worker: runs },
      { condition: areBackfillsDue, worker: backfills },
      { condition: areClocksDue, worker: clocks },
      { condition: areNoticesDue, worker: notices },
      { condition: areMappingsDue, worker: mappings },
      { condition: areRunsQueued, worker: jobs },
    ]),
  inject: [
    MikroORM,
    Dispatcher,
    DeferredWorker,
    FlowWorker,
    BackfillWorker,
    ClockWorker,
    NoticeWorker,
    MappingTicker,
    JobQueue,
  ],
};
