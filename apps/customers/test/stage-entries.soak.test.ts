import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { DealMove } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { StageRemoval } from '@rapport/contracts/rapport/sales/v1/pipeline_stages_service';
import { AppError } from '@rapport/platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { RunningCustomers } from './running-customers.js';
import { deal, SalesTenant, stage } from './sales-tenant.js';
import { killBusy, superuserOf } from './superuser.js';

const size = {
  deals: sizeOf('STAGE_DEALS', { short: 8, long: 40 }),
  moves: sizeOf('STAGE_MOVES', { short: 140, long: 5_000 }),
  kills: sizeOf('STAGE_KILLS', { short: 3, long: 60 }),
};

let service: RunningCustomers;

beforeAll(async () => {
  service = await RunningCustomers.start();
}, 120_000);
afterAll(() => service.stop());

test(
  'the stage entries of each deal are consecutive and cover its life, over killed connections',
  async () => {
    const random = new SeedRandom(printedSeed('stage-entries'));
    const tenant = new SalesTenant(service);
    const keys = ['a', 'b', 'c', 'd'];
    const [first, second] = [
      await tenant.createPipeline({ stages: keys.map((key) => stage(key, StageKind.OPEN)) }),
      await tenant.createPipeline({ stages: keys.map((key) => stage(key, StageKind.WON)) }),
    ];
    const ids: string[] = [];
    for (let index = 0; index < size.deals; index += 1) {
      ids.push((await tenant.createDeal(first, { stage: 'a', externalIds: [{ system: 's', value: `${index}` }] })).id);
    }
    const pick = <Item>(items: readonly Item[]): Item => random.pick(items);
    const changes = () => ({ stage: pick(keys), pipelineId: pick([first, second]).id });
    const actions: Record<string, () => Promise<unknown>> = {
      update: () => tenant.updateDeal(pick(ids), changes()),
      batch: () => {
        const items = [pick(ids), pick(ids), pick(ids)].map((id) => ({
          ...{ id, deal: deal(changes()), updateMask: ['stage', 'pipelineId'], etag: undefined },
        }));
        return service.call('batchUpdateDeals', { batch: { items, mode: 1 } }, tenant.caller);
      },
      upsert: () => {
        const externalIds = [{ system: 's', value: `${random.below(size.deals)}` }];
        const upserted = deal({ ...changes(), title: 'Upserted', externalIds });
        return service.call('upsertDeal', { deal: upserted, matchSystem: 's' }, tenant.caller);
      },
    };
    const move = (verb: 'moveDeal' | 'transferDeal' | 'winDeal' | 'loseDeal' | 'reopenDeal') => {
      const given = { ...DealMove.decode(new Uint8Array()), updateMask: undefined, reason: 'soak' };
      const to = { move: { ...given, ...changes() }, transfer: { ...given, ...changes() } };
      const kinds = { win: { ...given }, loss: { ...given, reason: 'price' }, reopening: { ...given } };
      return service.call(verb, { id: pick(ids), ...to, ...kinds }, tenant.caller);
    };
    const { caller } = tenant;
    Object.assign(actions, {
      move: () => move('moveDeal'),
      transfer: () => move('transferDeal'),
      win: () => move('winDeal'),
      lose: () => move('loseDeal'),
      reopen: () => move('reopenDeal'),
      restore: async () => {
        const id = pick(ids);
        await service.call('deleteDeal', { id }, caller);
        return service.call('undeleteDeal', { id }, caller);
      },
      removeStage: () => {
        const [from, to] = [pick(keys), pick(keys)];
        const removal = { ...StageRemoval.decode(new Uint8Array()), stage: from, moveTo: to };
        return service.call('removeStage', { id: pick([first, second]).id, removal }, caller);
      },
      addStage: () => {
        const kind = pick([StageKind.OPEN, StageKind.WON, StageKind.LOST]);
        const addition = { stage: stage(pick(keys), kind), before: undefined };
        return service.call('addStage', { id: pick([first, second]).id, addition }, caller);
      },
    });
    const tally: Record<string, number> = {};
    const superuser = await superuserOf(service.urls.ownerUrl);
    const killEvery = Math.ceil(size.moves / size.kills);
    const workers = Array.from({ length: 6 }, async (_, worker) => {
      for (let move = worker; move < size.moves; move += 6) {
        const [action, act] = pick(Object.entries(actions));
        const outcome = await act().then(
          () => 'OK',
          (error: unknown) => (error instanceof AppError ? error.reason : 'LOST'),
        );
        tally[`${action} ${outcome}`] = (tally[`${action} ${outcome}`] ?? 0) + 1;
        if (move % killEvery > 0) continue;
        await killBusy(superuser, 1);
      }
    });
    await Promise.all(workers);

    const { rows } = await superuser.query<Record<string, unknown>>(faults);
    await superuser.end();
    printTally('moves', tally);
    expect(rows).toEqual([]);
    expect(tally['update OK']).toBeGreaterThan(0);
    if (isSoak) expect(tally['removeStage OK']).toBeGreaterThan(0);
  },
  isSoak ? soakTimeoutMs : 60_000,
);

/** Deals with inconsistent entries. */
const faults = `
  with entry as (
    select *, lag(leave_time) over moves as left_before, lag(stage) over moves as stage_before,
      lead(id) over moves is null as is_last
    from stage_entry window moves as (partition by tenant_id, deal_id order by enter_time, id)
  )
  select deal.id, entry.stage, entry.enter_time, entry.leave_time
  from deal join entry on entry.tenant_id = deal.tenant_id and entry.deal_id = deal.id
  where entry.enter_time <> coalesce(entry.left_before, deal.create_time)
    or entry.previous_stage is distinct from entry.stage_before
    or (entry.leave_time is null) <> entry.is_last
    or entry.duration_seconds <> floor(extract(epoch from entry.leave_time - entry.enter_time))
    or entry.is_last and (entry.stage <> deal.stage or entry.pipeline_id <> deal.pipeline_id
      or entry.enter_time <> deal.stage_time)
  union all
  select deal.id, deal.stage, deal.create_time, null from deal
  where not exists (select from stage_entry where stage_entry.tenant_id = deal.tenant_id and deal_id = deal.id)`;
