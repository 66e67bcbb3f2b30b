// A process that fires timers until it is killed: `node timer-process.mjs DATABASE_URL`.
import { createOrm, IdempotencyKey, TimerWorker } from '../dist/index.js';

const orm = createOrm({ databaseUrl: process.argv[2], entities: [IdempotencyKey] });

const recordEffect = async (em, { tenantId, recordId, dueTime, payload }) => {
  await em.execute(
    `insert into effect (tenant_id, record_id, due_time, late_seconds)
     values (?, ?, ?, extract(epoch from rapport_clock() - ?::timestamptz))`,
    [tenantId, recordId, dueTime.toISOString(), dueTime.toISOString()],
  );
  if (Math.random() < Number(payload['failing'] ?? 0)) throw new Error('a failure of a test');
};

const worker = new TimerWorker(orm, new Map([['effect', recordEffect]]), { pollMs: 50, allowsClockShift: true });
worker.onApplicationBootstrap();
process.stdout.write('ready\n');
process.on('SIGTERM', () => {
  void worker
    .onModuleDestroy()
    .then(() => orm.close(true))
    .then(() => process.exit(0));
});
