import { setTimeout as delay } from 'node:timers/promises';
import {
  isSoak,
  printTally,
  queryDatabase,
  sizeOf,
  soakTimeoutMs,
  startPlatform,
  type Platform,
} from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rapport } from '../src/index.ts';
import { EdgeSwitch } from './edge-switch.ts';

// SOAK_KILLS: kills of edges during each of the tests.
const kills = sizeOf('SOAK_KILLS', { short: 2, long: 120 });
const rowsOfImport = sizeOf('SOAK_ROWS', { short: 60, long: 300 });

let platform: Platform;
let edges: EdgeSwitch;
let rapport: Rapport;

beforeAll(async () => {
  const unlimited = { keyUnits: 1e9, tenantUnits: 1e9 };
  platform = await startPlatform({
    edges: 2,
    edgeEnv: { EDGE_COUNT: '2', RATE_PLANS: JSON.stringify({ standard: unlimited }) },
  });
  edges = await EdgeSwitch.before(platform.edgeUrls);
  const { apiKey } = await platform.createTenant('Killed edges');
  rapport = new Rapport({ baseUrl: edges.url, apiKey, timeoutMs: 120_000 });
});

afterAll(async () => {
  edges.close();
  await platform.stop();
});

test(
  'kills of edges lose and double nothing of a feed, of lists, of edits and of a wait',
  async () => {
    const person = { kind: 'PERSON' as const };
    const items = Array.from({ length: 60 }, (_, index) => ({
      customer: { ...person, givenName: `L${index}`, tags: ['listed'] },
    }));
    await rapport.customers.batchCreate({ items });
    const { id: counter } = await rapport.customers.create({ ...person, givenName: 'Counter', jobTitle: '0' });
    const { nextCursor: cursor } = await lastPage();
    const ending = new AbortController();
    const figures = { created: 0, lists: 0, edits: 0, imports: 0 };
    const repeated = async (figure: keyof typeof figures, step: () => Promise<unknown>) => {
      for (; !ending.signal.aborted; figures[figure]++) {
        await step();
        // The short form leaves the processor to the edges that start again.
        if (!isSoak) await delay(50);
      }
    };

    const created: string[] = [];
    const create = async () => created.push((await rapport.customers.create({ ...person, givenName: 'F' })).id);
    const list = async () => {
      const names: (string | undefined)[] = [];
      for await (const each of rapport.customers.list({ filter: 'tags:listed', pageSize: 7 }))
        names.push(each.givenName);
      expect(names).toEqual(items.map(({ customer }) => customer.givenName).toReversed());
    };
    const edit = () => rapport.customers.edit(counter, ({ jobTitle }) => ({ jobTitle: String(Number(jobTitle) + 1) }));
    const importRows = async () => {
      const rows = Array.from({ length: rowsOfImport }, (_, row) => `I,i${figures.imports}-${row}@navy.example`);
      const request = {
        contentType: 'text/csv',
        map: ['name=givenName', 'email=email'],
        body: ['name,email', ...rows].join('\n'),
      };
      const { id } = await rapport.imports.upload(request, { pieceBytes: 4_000 });
      expect(await rapport.operations.wait({ id })).toMatchObject({
        state: 'SUCCEEDED',
        counts: { created: rowsOfImport },
      });
    };
    const following = followedUntil('the end', cursor);
    await Promise.all([
      killEdges().finally(() => ending.abort()),
      ...[repeated('created', create), repeated('lists', list), repeated('imports', importRows)],
      ...[repeated('edits', edit), repeated('edits', edit)],
    ]).finally(() => ending.abort());
    const { jobTitle } = await rapport.customers.get({ id: counter });
    await rapport.customers.update({ id: counter, jobTitle: 'the end' });
    const followed = await following;

    const isOurs = new Set(created);
    expect(followed.filter((id) => isOurs.has(id))).toEqual(created);
    const imported = followed.filter((id) => !isOurs.has(id));
    expect(imported).toHaveLength(figures.imports * rowsOfImport);
    expect(new Set(imported).size).toBe(imported.length);
    expect(Number(jobTitle)).toBe(figures.edits);
    expect((await rapport.customers.list({ filter: 'givenName = F', total: 'EXACT' }).page()).totalSize).toBe(
      created.length,
    );
    expect(await rapport.operations.list().first(10_000)).toHaveLength(figures.imports);
    expect(Object.entries(figures).filter(([, figure]) => figure === 0)).toEqual([]);
    printTally('Kills of edges', { kills, ...figures });
  },
  soakTimeoutMs,
);

test('a feed whose cursor has expired throws, or takes a new snapshot', async () => {
  const { apiKey } = await platform.createTenant('Expired');
  const own = new Rapport({ baseUrl: edges.url, apiKey });
  const { id } = await own.customers.create({ kind: 'PERSON', givenName: 'Ada' });
  const { nextCursor: cursor } = await own.changes.list();
  await queryDatabase(platform.customersDatabase.superuserUrl, `update change_log_state set epoch = 'restored'`);
  await platform.services.customers.kill();
  await platform.services.customers.start();

  const events: unknown[] = [];
  for await (const event of own.changes.follow({ cursor, onExpired: 'snapshot' })) {
    events.push(event.kind === 'record' ? event.record['id'] : event.kind);
    if (event.kind === 'ready') break;
  }
  const throwing = own.changes.follow({ cursor })[Symbol.asyncIterator]();

  expect(events).toEqual(['reset', id, 'ready']);
  await expect(throwing.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED', status: 409 });
});

/** The customers that are created after the cursor, until a job title has a value. */
async function followedUntil(jobTitle: string, cursor: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { change } of rapport.changes.follow({ cursor, types: ['customer'] })) {
    if (change.operation === 'CREATE') ids.push(change.recordId);
    if (change.after?.['jobTitle'] === jobTitle) break;
  }
  return ids;
}

/** Kills one edge after the other, each while the other one serves, and sometimes both. */
async function killEdges(): Promise<void> {
  const { edges: all } = platform.services;
  for (let kill = 0; kill < kills; kill++) {
    const victims = kill % 5 === 4 ? all : [all[kill % all.length]!];
    // Calls are to be in progress at each kill.
    await delay(isSoak ? 200 + Math.random() * 2_000 : 500);
    await Promise.all(victims.map((edge) => edge.kill()));
    await delay(isSoak ? Math.random() * 3_000 : 100); // The others serve meanwhile.
    await Promise.all(victims.map((edge) => edge.start()));
  }
}

async function lastPage() {
  const types = ['customer'];
  let page = await rapport.changes.list({ types });
  while (page.hasMore) page = await rapport.changes.list({ cursor: page.nextCursor, types });
  return page;
}
