import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { DealMove } from '@rapport/contracts/rapport/sales/v1/deal_moves_service';
import {
  GuardAge,
  GuardKind,
  GuardMoment,
  StageKind,
  StageTransitions,
  type Guard,
  type Pipeline,
} from '@rapport/contracts/rapport/sales/v1/pipeline';
import { AppError } from '@rapport/platform';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { sharedCustomers } from './running-customers.js';
import { deal, guard, SalesTenant, stage } from './sales-tenant.js';
import { superuserOf } from './superuser.js';

const size = {
  pipelines: sizeOf('CHECK_PIPELINES', { short: 4, long: 60 }),
  moves: sizeOf('CHECK_MOVES', { short: 80, long: 30_000 }),
};

const service = await sharedCustomers();
const keys = ['a', 'b', 'c', 'd', 'e'];

test(
  'a check predicts the answer of each move: whether it is made, and each of its errors',
  async () => {
    const random = new SeedRandom(printedSeed('move-checks'));
    const tenant = new SalesTenant(service);
    const free = await tenant.createPipeline({ stages: [stage('free', StageKind.OPEN)] });
    const pipelines: Pipeline[] = [];
    for (let count = 0; count < size.pipelines; count += 1) {
      pipelines.push(await tenant.createPipeline(randomPipeline(random)));
    }
    const superuser = await superuserOf(service.urls.ownerUrl);
    const tally: Record<string, number> = {};
    let current: Deal | undefined;
    for (let count = 0; count < size.moves; count += 1) {
      if (!current || random.below(8) === 0) current = await newDeal(tenant, random, [free, random.pick(pipelines)]);
      const [isAged, age] = [random.below(3) === 0, `${random.below(48)} hours`];
      if (isAged) {
        const sql =
          'update deal set stage_time = stage_time - $2::interval, create_time = create_time - $2::interval where id = $1';
        await superuser.query(sql, [current.id, age]);
      }
      const move = randomMove(random, pipelines, current);
      const caller = { ...tenant.caller, permissions: permissionsOf(random, tenant) };
      const { id } = current;
      const predicted = await outcomeOf(
        service.call('checkDealMove', { id, move }, caller).then(({ allowed, refusals }) => {
          expect(allowed).toBe(refusals.length === 0);
          return refusals.map(({ field, reason, description }) => ({ field, reason, description }));
        }),
      );
      const made = await outcomeOf(
        service.call('moveDeal', { id, move }, caller).then((moved) => {
          current = moved;
          return [];
        }),
      );
      expect(made, JSON.stringify({ move, pipelineId: current.pipelineId, stage: current.stage })).toEqual(predicted);
      for (const { reason } of made.length > 0 ? made : [{ reason: 'OK' }]) tally[reason] = (tally[reason] ?? 0) + 1;
    }
    await superuser.end();
    printTally('moves predicted', tally);
    const refusals = [
      'REQUIRED',
      'CONDITION_NOT_MET',
      'ROLE_REQUIRED',
      'TOO_EARLY',
      'STAGE_TRANSITION',
      'STAGE_UNKNOWN',
    ];
    expect(tally['OK']).toBeGreaterThan(0);
    for (const reason of isSoak ? refusals : []) expect(tally[reason], reason).toBeGreaterThan(0);
  },
  soakTimeoutMs,
);

interface Violation {
  field: string;
  reason: string;
  description: string;
}

/** The errors of a call, empty when it is made. */
async function outcomeOf(call: Promise<Violation[]>): Promise<Violation[]> {
  try {
    return await call;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (error.violations.length > 0) return error.violations;
    return [{ field: '', reason: error.reason, description: error.message }];
  }
}

function randomPipeline(random: SeedRandom): Partial<Pipeline> {
  const stages = keys.map((key, index) => ({
    ...stage(key, index < 3 ? StageKind.OPEN : random.pick([StageKind.OPEN, StageKind.WON, StageKind.LOST])),
    guards: Array.from({ length: random.below(3) }, () => randomGuard(random)),
  }));
  const transitions = random.pick([
    ...[StageTransitions.ANY, StageTransitions.ANY],
    ...[StageTransitions.NEXT_ONLY, StageTransitions.LISTED],
  ]);
  const pairs = keys.flatMap((from) =>
    keys.filter((to) => to !== from && random.below(2) === 0).map((to) => ({ from, to })),
  );
  return { stages, transitions, transitionPairs: transitions === StageTransitions.LISTED ? pairs : [] };
}

function randomGuard(random: SeedRandom): Guard {
  const on = random.pick([GuardMoment.ENTER, GuardMoment.LEAVE, GuardMoment.UNSPECIFIED]);
  switch (random.below(4)) {
    case 0:
      return guard(GuardKind.FIELDS, { on, fields: random.pick([['amount'], ['closeDate', 'tags'], ['lostReason']]) });
    case 1:
      return guard(GuardKind.EXPRESSION, { on, ...random.pick(expressions) });
    case 2:
      return guard(GuardKind.ROLE, { on, permissions: ['deals.approve'], message: 'Ask for approval.' });
    default: {
      const ageOf = random.pick([GuardAge.STAGE, GuardAge.DEAL]);
      return guard(GuardKind.MIN_AGE, { on, ageOf, minAgeSeconds: 3_600 * (1 + random.below(40)) });
    }
  }
}

const expressions: Partial<Guard>[] = [
  { expression: 'has(deal.amount) && decimal(deal.amount.amount) > decimal("100")', fields: ['amount'] },
  { expression: 'deal.tags.exists(tag, tag == "approved")', message: 'Approve it.' },
  { expression: 'deal.closeDate > "2026-06-01"' },
  { expression: 'deal.status == "OPEN" || size(deal.tags) > 0' },
];

function randomContent(random: SeedRandom): Partial<Deal> {
  const amount = { amount: `${random.below(200)}`, currencyCode: 'EUR' };
  return {
    ...(random.below(2) === 0 && { amount }),
    ...(random.below(2) === 0 && { closeDate: `2026-0${1 + random.below(9)}-15` }),
    ...(random.below(2) === 0 && { tags: [random.pick(['approved', 'new'])] }),
    ...(random.below(3) === 0 && { lostReason: 'price' }),
  };
}

async function newDeal(tenant: SalesTenant, random: SeedRandom, [free, pipeline]: [Pipeline, Pipeline]): Promise<Deal> {
  const created = await tenant.createDeal(free, { stage: 'free', ...randomContent(random) });
  const to = { pipelineId: pipeline.id, stage: random.pick(keys), override: true };
  const move = { ...DealMove.decode(new Uint8Array()), updateMask: undefined, ...to };
  return service.call('moveDeal', { id: created.id, move }, tenant.caller);
}

function randomMove(random: SeedRandom, pipelines: readonly Pipeline[], { pipelineId }: Deal): DealMove {
  return {
    ...DealMove.decode(new Uint8Array()),
    stage: random.below(20) === 0 ? 'unknown' : random.pick(keys),
    pipelineId: random.below(5) === 0 ? random.pick(pipelines).id : pipelineId,
    set: random.below(3) === 0 ? deal({ ...randomContent(random), title: '', stage: '' }) : undefined,
    updateMask: undefined,
    override: random.below(10) === 0 ? true : undefined,
    reason: random.below(4) === 0 ? 'soak' : undefined,
  };
}

function permissionsOf(random: SeedRandom, { caller: { permissions } }: SalesTenant): string[] {
  const approving = random.below(2) === 0 ? [...permissions, 'deals.approve'] : [...permissions];
  return random.below(4) === 0 ? approving.filter((each) => each !== 'pipelines.configure') : approving;
}
