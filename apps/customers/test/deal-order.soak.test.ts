import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { DealMove } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import { StageKind } from '@rapport/contracts/rapport/sales/v1/pipeline';
import { AppError } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { RunningCustomers } from './running-customers.js';
import { SalesTenant, stage } from './sales-tenant.js';
import { killBusy, superuserOf } from './superuser.js';

const size = {
  deals: sizeOf('RANKED_DEALS', { short: 10, long: 60 }),
  moves: sizeOf('RANK_MOVES', { short: 70, long: 20_000 }),
  kills: sizeOf('RANK_KILLS', { short: 4, long: 200 }),
};

let service: RunningCustomers;

beforeAll(async () => {
  service = await RunningCustomers.start();
}, 120_000);
afterAll(() => service.stop());

test(
  'random moves give the order of a list with the same moves, over killed connections and beside other writes',
  async () => {
    const random = new SeedRandom(printedSeed('deal-order'));
    const tenant = new SalesTenant(service);
    const keys = ['a', 'b', 'c'];
    const pipeline = await tenant.createPipeline({ stages: keys.map((key) => stage(key, StageKind.OPEN)) });
    const model = new Map<string, string[]>(keys.map((key) => [key, []]));
    for (let index = 0; index < size.deals; index += 1) {
      model.get('a')!.push((await tenant.createDeal(pipeline, { stage: 'a' })).id);
    }
    const superuser = await superuserOf(service.urls.ownerUrl);
    const killEvery = Math.ceil(size.moves / size.kills);
    const tally: Record<string, number> = {};
    const count = (what: string) => (tally[what] = (tally[what] ?? 0) + 1);

    /** Until the outcome is known: a repeated request is not done twice. */
    const move = async (id: string, to: object) => {
      const unset = { ...DealMove.decode(new Uint8Array()), updateMask: undefined };
      const request = { id, move: { ...unset, ...to }, requestId: v7() };
      for (;;) {
        try {
          return await service.call('moveDeal', request, tenant.caller);
        } catch (error) {
          count(`move ${error instanceof AppError ? error.code : 'LOST'}`);
          if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') throw error;
        }
      }
    };
    /** Writes that keep the order. */
    let isMoving = true;
    const write = async () => {
      while (isMoving) {
        const id = random.pick([...model.values()].flat());
        await tenant.updateDeal(id, { title: `Deal ${random.below(100)}` }).then(
          () => count('update OK'),
          (error: unknown) => count(`update ${error instanceof AppError ? error.code : 'LOST'}`),
        );
      }
    };
    const writing = write();
    for (let turn = 0; turn < size.moves; turn += 1) {
      const id = random.pick([...model.values()].flat());
      const target = random.pick(keys);
      for (const [key, ids] of model)
        model.set(
          key,
          ids.filter((each) => each !== id),
        );
      const ids = model.get(target)!;
      // Often the same position, whose ranks become long.
      const at = turn % 2 === 0 ? Math.min(1, ids.length) : random.below(ids.length + 1);
      const [before, after] = [ids[at], ids[at - 1]];
      const neighbor =
        before !== undefined && (after === undefined || turn % 3 === 0) ? { beforeId: before } : { afterId: after };
      const killing = turn % killEvery === 1 ? killBusy(superuser, 2) : undefined;
      await move(id, ids.length === 0 ? { stage: target } : neighbor);
      await killing;
      ids.splice(at, 0, id);
      count('moves');
    }
    isMoving = false;
    await writing;

    const { rows } = await superuser.query<{ id: string; stage: string; rank: string; sort_rank: string }>(
      `select id, stage, rank, sort_rank from deal where tenant_id = $1 order by stage, sort_rank, id`,
      [tenant.caller.tenantId],
    );
    await superuser.end();
    printTally('moves of deals', { ...tally, longest: Math.max(...rows.map(({ rank }) => rank.length)) });
    for (const key of keys) {
      const ofStage = rows.filter((row) => row.stage === key);
      expect(ofStage.map(({ id }) => id)).toEqual(model.get(key));
      expect(new Set(ofStage.map(({ rank }) => rank)).size).toBe(ofStage.length);
    }
    expect(rows.filter(({ rank, sort_rank }) => rank !== sort_rank || rank.length > 64)).toEqual([]);
    expect(tally['update OK']).toBeGreaterThan(0);
  },
  isSoak ? soakTimeoutMs : 120_000,
);
