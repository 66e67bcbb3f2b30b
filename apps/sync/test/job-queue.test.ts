import { AnswerSwallower, type ProvisionedDatabase } from '@rapport/testing';
import { v4 as uuidv4 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JobQueue } from '../src/storage/job-queue.js';
import { askDatabase } from './ask-database.ts';
import { createSyncDatabase } from './sync-databases.ts';

let urls: ProvisionedDatabase;
let network: AnswerSwallower;
let jobs: JobQueue;
const worked: string[] = [];

beforeAll(async () => {
  urls = await createSyncDatabase();
  network = new AnswerSwallower(new URL(urls.appUrl));
  jobs = new JobQueue(await network.listen(), ({ runId }) => Promise.resolve(void worked.push(runId)));
  jobs.onApplicationBootstrap();
});
afterAll(() => network.close());

const database = {
  executeSql: async (text: string, values: unknown[] = []) => ({ rows: await askDatabase(urls.appUrl, text, values) }),
};

/** Queues a run. @returns its id */
async function queue(): Promise<string> {
  const run = { tenantId: uuidv4(), mappingId: uuidv4(), runId: uuidv4() };
  await jobs.send(run, database);
  return run.runId;
}

test('runs begin, and the queue ends, after a network has lost what it asked the database', async () => {
  let first = '';
  await expect
    .poll(() =>
      queue().then(
        (id) => (first = id),
        () => '',
      ),
    )
    .toBeTruthy();
  await expect.poll(() => worked).toContain(first);

  network.isFrozen = true;
  // A worker asks, and the search for runs of dead processes.
  await expect
    .poll(
      () => {
        jobs.wakeIfIdle();
        return network.lost;
      },
      { timeout: 60_000 },
    )
    .toBeGreaterThanOrEqual(4);
  network.isFrozen = false;

  const next = await queue();
  await expect.poll(() => worked, { timeout: 60_000 }).toContain(next);
  await jobs.onModuleDestroy();
}, 120_000);
