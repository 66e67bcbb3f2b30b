import type { Deal } from '@rapport/contracts/rapport/sales/v1/deal';
import { AppError } from '@rapport/platform';
import { isSoak, printedSeed } from '@rapport/testing';
import { describe, expect, test } from 'vitest';
import { GuardedWorld, kinds, moments, type GuardedKind } from './guarded-world.js';
import { person, sharedCustomers } from './running-customers.js';
import { deal } from './sales-tenant.js';

const service = await sharedCustomers();

/** Whether a door has let a deal through. */
type Passed = boolean;

/** Whether the call was made. Fails for a refusal for another reason than the rules of deals. */
function passes(call: Promise<unknown>): Promise<Passed> {
  return call.then(
    () => true,
    (error: unknown) => {
      if (error instanceof AppError && error.code === 'INVALID_ARGUMENT') return false;
      throw error;
    },
  );
}

const entering = { stage: 'open' };

/** Ways to change the stage of a deal. Each makes its own deals. */
const doors: Record<string, (world: GuardedWorld) => Promise<Passed>> = {
  create: (world) => passes(world.create(entering)),
  batchCreate: async ({ tenant, pipeline, content }) => {
    const items = [{ deal: deal({ ...content, ...entering, pipelineId: pipeline.id }) }];
    return passes(service.call('batchCreateDeals', { batch: { items, mode: 0 } }, tenant.caller));
  },
  update: async (world) => passes(world.tenant.updateDeal((await world.started()).id, entering)),
  batchUpdate: async (world) => {
    const { id } = await world.started();
    const items = [{ id, deal: deal(entering), updateMask: ['stage'], etag: undefined }];
    return passes(service.call('batchUpdateDeals', { batch: { items, mode: 0 } }, world.tenant.caller));
  },
  upsert: async (world) => {
    const externalIds = [{ system: 's', value: 'upserted' }];
    const { title, pipelineId } = await world.started({ externalIds });
    const upserted = deal({ title, pipelineId, externalIds, ...entering });
    return passes(service.call('upsertDeal', { deal: upserted, matchSystem: 's' }, world.tenant.caller));
  },
  'import of a change': async (world) => world.imports(`id,stage\n${(await world.started()).id},open\n`),
  'import of a deal': (world) => world.imports(world.csvOf('open')),
  undo: (world) => world.undoes(),
  move: async (world) => passes(world.move((await world.started()).id, entering)),
  'move to a neighbor': async (world) => {
    const { id } = await world.started();
    const neighbor = await world.placed('open');
    return passes(world.move(id, { beforeId: neighbor.id }));
  },
  win: async (world) => passes(world.win((await world.started()).id)),
  lose: async (world) => passes(world.lose((await world.started()).id)),
  reopen: async (world) => {
    const { id } = await world.placed('lost');
    return passes(world.reopen(id, 'open'));
  },
  transfer: async (world) => passes(world.transfer((await world.started()).id, 'open')),
  removeStage: async (world) => {
    await world.started();
    return passes(world.removeStage('start', 'open'));
  },
  archive: async (world) => {
    await world.started();
    return passes(world.archive('open'));
  },
};

/** Doors through which a new deal comes: it leaves no stage. */
const creations: ReadonlySet<string> = new Set(['create', 'batchCreate', 'import of a deal']);

function applies(door: string, kind: GuardedKind, moment: string): boolean {
  if (!creations.has(door)) return true;
  // A new deal has no tasks.
  return moment === 'enter' && kind !== 'OPEN_TASKS';
}

/** Whether the guard can be met there at all. */
function opens(door: string, kind: GuardedKind): boolean {
  // A new deal is never old. Operations run later, without the permissions and teams of their caller.
  return kind === 'MIN_AGE' ? !creations.has(door) : kind !== 'ROLE' || !/import|undo/.test(door);
}

/** Two kinds by the seed, each for one moment, and all for both in the long form. */
const seed = printedSeed('guard doors');
const allKinds = Object.keys(kinds) as GuardedKind[];
const triedKinds = isSoak ? allKinds : [0, 1].map((place) => allKinds[(seed + place) % allKinds.length]!);
const tried = (kind: number) => Object.keys(moments).filter((_, index) => isSoak || (seed >> kind) % 2 === index);

describe.each(triedKinds)('a guard of kind %s', (kind) => {
  test.each(tried(allKinds.indexOf(kind)))(
    'to %s a stage holds at every door, and opens when it is met',
    async (moment) => {
      const unmet = await GuardedWorld.create(service, { kind, moment, isMet: false });
      const met = await GuardedWorld.create(service, { kind, moment, isMet: true });
      for (const [door, pass] of Object.entries(doors)) {
        if (!applies(door, kind, moment)) continue;
        const name = `${kind} ${moment} ${door}`;
        await Promise.all([unmet.renew(), met.renew()]);
        expect(await pass(unmet), name).toBe(false);
        expect(await pass(met), name).toBe(opens(door, kind));
      }
      expect(await unmet.movedDeals(), `${kind} ${moment}`).toEqual([]);
      await Promise.all([unmet.close(), met.close()]);
    },
  );
});

test('deletions, restorations and merges leave deals in their stages', async () => {
  const world = await GuardedWorld.create(service, { kind: 'FIELDS', moment: 'enter', isMet: false });
  const { caller } = world.tenant;
  const [kept, merged] = await Promise.all([service.create(caller, person()), service.create(caller, person())]);
  const { id } = await world.placed('open', { customerId: merged.id });
  const stage = async () => (await service.call('getDeal', { id }, caller)) as Partial<Deal>;

  await service.call('mergeCustomers', { id: kept.id, merge: { mergedId: merged.id, preferMerged: [] } }, caller);
  expect(await stage()).toMatchObject({ customerId: kept.id, stage: 'open' });
  await service.call('deleteDeal', { id }, caller);
  await service.call('undeleteDeal', { id }, caller);
  expect(await stage()).toMatchObject({ stage: 'open' });
  await world.close();
});
