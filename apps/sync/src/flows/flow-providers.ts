import type { Provider } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { approvalHooks } from './approvals/open-approvals.js';
import { BackfillWorker } from './backfills/backfill-worker.js';
import { NoticeWorker } from './approvals/notice-worker.js';
import { CalendarClock } from './effects/calendar-clock.js';
import { effectProviders, type EffectOptions } from './effects/effect-providers.js';
import { RecordCalls } from './effects/record-calls.js';
import { resolveStep } from './effects/resolve-step.js';
import { ExitGate } from './enrollments/exit-gate.js';
import { FlowCustomers } from './enrollments/flow-customers.js';
import { RunEffects } from './effects/run-effects.js';
import { RecordAccess } from './serve-runs/record-access.js';
import type { EngineParts } from './worker/engine-parts.js';
import { FlowWorker } from './worker/flow-worker.js';
import { storedVersions } from './worker/stored-versions.js';

/** The engine of flows, and the effects of their steps. */
export function flowProviders(options: EffectOptions): Provider[] {
  const { customers, envelope } = options;
  return [
    ...effectProviders(options),
    {
      provide: FlowCustomers,
      useFactory: (calls: RecordCalls) => new FlowCustomers(calls),
      inject: [RecordCalls],
    },
    {
      provide: FlowWorker,
      useFactory: (orm: MikroORM, port: RunEffects, clock: CalendarClock, customers: FlowCustomers) => {
        const parts: EngineParts = {
          envelope,
          hooks: approvalHooks(envelope),
          port,
          clock,
          resolve: resolveStep,
          versions: storedVersions,
          gate: new ExitGate(customers),
        };
        return new FlowWorker(orm, parts);
      },
      inject: [MikroORM, RunEffects, CalendarClock, FlowCustomers],
    },
    {
      provide: BackfillWorker,
      useFactory: (orm: MikroORM, runs: FlowWorker, calls: RecordCalls, customers: FlowCustomers) =>
        new BackfillWorker(orm, runs, { calls, customers }),
      inject: [MikroORM, FlowWorker, RecordCalls, FlowCustomers],
    },
    {
      provide: NoticeWorker,
      useFactory: (orm: MikroORM) => new NoticeWorker(orm, customers),
      inject: [MikroORM],
    },
    {
      provide: RecordAccess,
      useFactory: (calls: RecordCalls) => new RecordAccess(calls),
      inject: [RecordCalls],
    },
  ];
}
