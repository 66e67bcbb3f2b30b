import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { DealMove } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { StageTransitions, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { createOrm, tenantSession } from '@rapport/persistence';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { deals } from '../src/domain/deals/deals.js';
import { reindexTenant } from '../src/engine/write/reindex-records.js';
import { repeatWhile } from './repeat-while.js';
import { newCaller, sharedCustomers } from './running-customers.js';
import { deal, SalesTenant } from './sales-tenant.js';
import { superuserOf } from './superuser.js';

const service = await sharedCustomers();
let tenant: SalesTenant;
let pipeline: Pipeline;

beforeEach(async () => {
  tenant = new SalesTenant(service);
  pipeline = await tenant.createPipeline();
});

type Move = { stage?: string; pipelineId?: string; beforeId?: string; afterId?: string };
const unset = { ...DealMove.decode(new Uint8Array()), updateMask: undefined };

function move(id: string, to: Move, more: object = {}, caller = tenant.caller): Promise<Deal> {
  return service.call('moveDeal', { id, move: { ...unset, ...to }, ...more }, caller);
}

/** Writes that wait too long for others are refused. */
const untilWritten = <Answer>(write: () => Promise<Answer>) => repeatWhile('CONCURRENT_WRITE', write);

/** Deals in the stage new, in the order of their creation. */
async function create(...titles: string[]): Promise<Deal[]> {
  const made: Deal[] = [];
  for (const title of titles) made.push(await tenant.createDeal(pipeline, { title }));
  return made;
}

/** The titles of a stage, as a board shows them. */
const board = (stage = 'new') => tenant.deals(`pipelineId = ${pipeline.id} AND stage = ${stage}`, 'rank');

test('new deals are last, and a deal moves before and after any other, and to both ends', async () => {
  const [a, b, c, d] = await create('a', 'b', 'c', 'd');
  expect(await board()).toEqual(['a', 'b', 'c', 'd']);

  await move(d!.id, { beforeId: b!.id });
  expect(await board()).toEqual(['a', 'd', 'b', 'c']);
  await move(a!.id, { afterId: b!.id });
  expect(await board()).toEqual(['d', 'b', 'a', 'c']);
  await move(c!.id, { beforeId: d!.id });
  expect(await board()).toEqual(['c', 'd', 'b', 'a']);
  await move(c!.id, {});
  await create('e');
  expect(await board()).toEqual(['d', 'b', 'a', 'c', 'e']);
});

test('a move enters a stage by its rules and at its place, with one change and one stage entry', async () => {
  const [a, b] = await create('a', 'b');
  const amount = { amount: '5.00', currencyCode: 'EUR' };
  const there = await tenant.createDeal(pipeline, { title: 'there', stage: 'proposal', amount });

  await expect(move(a!.id, { beforeId: there.id })).rejects.toMatchObject({
    violations: [{ field: 'move.set.amount', reason: 'REQUIRED' }],
  });
  const priced = await tenant.updateDeal(b!.id, { amount });
  const moved = await move(b!.id, { beforeId: there.id }, { etag: priced.etag });

  expect(moved).toMatchObject({ stage: 'proposal', etag: '"3"' });
  expect(await board('proposal')).toEqual(['b', 'there']);
  expect((await tenant.entriesOf(moved)).map(({ stage }) => stage)).toEqual(['new', 'proposal']);
});

test('an update that changes the stage makes the deal the last one there', async () => {
  const [a] = await create('a', 'b');
  for (const title of ['c', 'd']) await tenant.createDeal(pipeline, { title, stage: 'lost', lostReason: 'price' });

  await tenant.updateDeal(a!.id, { stage: 'lost', lostReason: 'price' });

  expect(await board('lost')).toEqual(['c', 'd', 'a']);
  const title = await tenant.updateDeal(a!.id, { title: 'A' });
  expect(title.rank).toBe((await service.call('getDeal', { id: a!.id }, tenant.caller)).rank);
});

test('a move to the place where a deal is changes nothing', async () => {
  const [a, b] = await create('a', 'b');

  expect(await move(a!.id, { beforeId: b!.id })).toEqual(a);
  expect(await move(b!.id, { afterId: a!.id, stage: 'new' })).toEqual(b);
});

test('the transitions of the pipeline bound moves', async () => {
  const strict = await tenant.createPipeline({ transitions: StageTransitions.LISTED, transitionPairs: [] });
  const { id } = await tenant.createDeal(strict);

  await expect(move(id, { stage: 'lost' })).rejects.toMatchObject({
    violations: [{ field: 'move.stage', reason: 'STAGE_TRANSITION' }],
  });
});

test('a wrong neighbor, an old etag and an unknown deal are refused', async () => {
  const [a, b] = await create('a', 'b');
  const other = await new SalesTenant(service).createPipeline();
  const foreign = await tenant.createDeal(pipeline, { title: 'lost', stage: 'lost', lostReason: 'price' });
  const gone = (await create('gone'))[0]!;
  await service.call('deleteDeal', { id: gone.id }, tenant.caller);
  const refused: [Move, string, string][] = [
    [{ beforeId: v7() }, 'beforeId', 'DEAL_NOT_FOUND'],
    [{ afterId: gone.id }, 'afterId', 'DEAL_NOT_FOUND'],
    [{ afterId: a!.id }, 'afterId', 'SAME_RECORD'],
    [{ beforeId: b!.id, afterId: b!.id }, 'afterId', 'CONFLICTING_FIELDS'],
    [{ beforeId: b!.id, stage: 'lost' }, 'beforeId', 'OTHER_STAGE'],
    [{ beforeId: foreign.id, stage: 'new' }, 'beforeId', 'OTHER_STAGE'],
  ];
  for (const [to, field, reason] of refused) {
    await expect(move(a!.id, to)).rejects.toMatchObject({ violations: [{ field: `move.${field}`, reason }] });
  }
  await expect(move(a!.id, { pipelineId: other.id })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(move(v7(), { beforeId: b!.id })).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
  await expect(move(a!.id, {}, {}, newCaller())).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
  await move(a!.id, { afterId: b!.id }, { etag: '"1"' });
  await expect(move(a!.id, { beforeId: b!.id }, { etag: '"1"' })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  expect(await board()).toEqual(['b', 'a']);
});

test('an undeleted deal returns to its place, also if another one was moved there', async () => {
  const [a, b, c] = await create('a', 'b', 'c');
  await service.call('deleteDeal', { id: b!.id }, tenant.caller);
  await move(c!.id, { beforeId: a!.id });
  await move(c!.id, { afterId: a!.id });

  await service.call('undeleteDeal', { id: b!.id }, tenant.caller);

  expect(new Set(await board())).toEqual(new Set(['a', 'b', 'c']));
  expect((await service.call('getDeal', { id: b!.id }, tenant.caller)).rank).toBe(b!.rank);
});

test('deals of an earlier release have the order of their creation, also before they are indexed', async () => {
  const [a, b, c, d] = await create('a', 'b', 'c', 'd');
  const superuser = await superuserOf(service.urls.ownerUrl);
  const forget = (ids: string[]) =>
    superuser.query('update deal set rank = null, sort_rank = null, index_version = 1 where id = any ($1)', [ids]);
  await forget([a!.id, b!.id, c!.id]);

  expect(await service.call('getDeal', { id: a!.id }, tenant.caller)).toEqual(a);
  await move(d!.id, { beforeId: b!.id });
  expect(await board()).toEqual(['a', 'd', 'b', 'c']);
  await forget([a!.id, b!.id, c!.id]);
  const orm = createOrm({ databaseUrl: service.urls.ownerUrl, entities });
  const { tenantId } = tenant.caller;
  await reindexTenant(orm.em.fork({ session: tenantSession(tenantId) }), deals, tenantId);

  expect(await board()).toEqual(['a', 'd', 'b', 'c']);
  expect(await service.call('getDeal', { id: c!.id }, tenant.caller)).toEqual(c);
  await Promise.all([orm.close(), superuser.end()]);
});

test('a deal goes between two of another stage when the rank between them is the one that it has', async () => {
  const [a, , c] = await create('a', 'b', 'c');
  const between = await move(c!.id, { afterId: a!.id });
  expect(await board()).toEqual(['a', 'c', 'b']);
  await tenant.updateDeal(c!.id, { stage: 'lost', lostReason: 'Price' });
  const superuser = await superuserOf(service.urls.ownerUrl);
  await superuser.query('update deal set rank = $1, sort_rank = $1 where id = $2', [between.rank, c!.id]);
  await superuser.end();

  await move(c!.id, { afterId: a!.id });
  expect(await board()).toEqual(['a', 'c', 'b']);
});

test('a batch keeps its order, and its repeated move is done once', async () => {
  const items = ['a', 'b', 'c', 'd'].map((title) => ({
    deal: { ...deal(), title, pipelineId: pipeline.id },
    requestId: undefined,
  }));
  await service.call('batchCreateDeals', { batch: { items, mode: 1 } }, tenant.caller);
  expect(await board()).toEqual(['a', 'b', 'c', 'd']);
  const { deals } = await service.call('listDeals', { orderBy: 'rank' }, tenant.caller);

  const first = await move(deals[0]!.id, {}, { requestId: 'a key' });
  await move(deals[0]!.id, { beforeId: deals[1]!.id });
  expect(await move(deals[0]!.id, {}, { requestId: 'a key' })).toEqual(first);
  await move(deals[0]!.id, {}, { validateOnly: true });
  expect(await board()).toEqual(['a', 'b', 'c', 'd']);
});

describe('many moves', () => {
  test('to one position leave ranks short, and log the deals that get new ones', { timeout: 300_000 }, async () => {
    const made = await create('first', 'a', 'b', 'last');
    const [first, a, b] = made;
    for (let turn = 0; turn < 240; turn += 1) await move([a!, b!][turn % 2]!.id, { afterId: first!.id });

    const { deals } = await service.call('listDeals', { orderBy: 'rank' }, tenant.caller);
    expect(deals.map(({ title }) => title)).toEqual(['first', 'b', 'a', 'last']);
    for (const { rank = '' } of deals) expect(rank.length).toBeLessThanOrEqual(64);
    expect(deals.at(-1)).toEqual(made.at(-1));
    const { changes } = await service.call('listDealHistory', { id: first!.id }, tenant.caller);
    expect(changes[0]).toMatchObject({ changedFields: ['rank'], after: { rank: deals[0]!.rank } });
    expect(deals[0]!.etag).not.toBe(first!.etag);
    await create('new');
    expect((await board()).at(-1)).toBe('new');
  });

  test('at once give each deal a rank of its own', { timeout: 300_000 }, async () => {
    const titles = Array.from({ length: 12 }, (_, number) => `deal ${number}`);
    const made = await create(...titles);
    const [anchor, ...others] = made;

    for (let round = 0; round < 5; round += 1) {
      await Promise.all([
        ...others.map(({ id }) =>
          untilWritten(() => move(id, round % 2 === 0 ? { afterId: anchor!.id } : { beforeId: anchor!.id })),
        ),
        untilWritten(() => tenant.createDeal(pipeline, { title: `new ${round}` })),
      ]);
    }

    const { deals } = await service.call('listDeals', { orderBy: 'rank', pageSize: 100 }, tenant.caller);
    expect(new Set(deals.map(({ rank }) => rank)).size).toBe(17);
    expect(deals.findIndex(({ id }) => id === anchor!.id)).toBe(0);
  });
});
