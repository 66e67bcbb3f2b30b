import { sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { textIn } from '../../src/flows/effects/record-values.ts';
import { EffectBench, field, text, type Json } from './effect-bench.ts';

let bench: EffectBench;
let pipelineId: string;

const stages = [
  { key: 'lead', name: 'Lead', kind: 'OPEN' },
  { key: 'proposal', name: 'Proposal', kind: 'OPEN' },
  { key: 'won', name: 'Won', kind: 'WON' },
];

beforeAll(async () => {
  bench = await EffectBench.of(await sharedPlatform(inject('platformUrl')));
  pipelineId = (await bench.api.ok<{ id: string }>('POST', '/v1/pipelines', { name: 'Sales', stages })).id;
});
afterAll(() => bench.close());

function newDeal(more: Json = {}): Promise<Json & { id: string }> {
  return bench.api.ok('POST', '/v1/deals', { title: 'Renewal', pipelineId, stage: 'lead', ...more });
}

function deal(id: string): Promise<Json> {
  return bench.record('deal', id);
}

describe('a step', () => {
  test('that creates a record creates one in all its attempts, as the principal of the run', async () => {
    const run = bench.run();
    const create = { type: 'customer', fields: [field('kind', 'PERSON'), field('displayName', 'Lyra')] };
    const first = await run.attempt(run.call({ create }, 'steps/0'));
    const again = await run.attempt(run.call({ create }, 'steps/0'));

    expect(again).toEqual(first);
    const { changes } = await bench.api.ok<{ changes: Json[] }>(
      'GET',
      `/v1/customers/${textIn(first.output, 'id')}/history`,
    );
    expect(changes).toEqual([
      expect.objectContaining({ actor: run.principalId, origin: 'flow', causationId: run.runId, hop: 1 }),
    ]);
  });

  test('that assigns by rules takes one turn in all its attempts, also if a trial came before', async () => {
    const members = (await bench.users(2)).map((userId) => ({ userId }));
    const filter = 'title = "By rules"';
    const rule = { name: 'Deals', recordType: 'deal', method: 'ROUND_ROBIN', filter, members };
    const { id: ruleId } = await bench.api.ok<{ id: string }>('POST', '/v1/assignmentRules', rule);
    const { id } = await newDeal({ title: 'By rules', ownerId: members[1]?.userId });
    const run = bench.run();
    const assign = { type: 'deal', id: text(id), byRules: true };
    const expected = { assignment: expect.objectContaining({ ruleId }) as Json, ownerId: members[0]?.userId };

    const trial = run.trial();
    expect((await trial.perform(run.call({ assign }), bench.signal)).output).toMatchObject(expected);
    const title = { update: { type: 'deal', id: text(id), fields: [field('title', 'Tried')] } };
    expect((await trial.perform(run.call(title), bench.signal)).output).toMatchObject({ ownerId: members[0]?.userId });
    const first = await run.attempt(run.call({ assign }, 'steps/0'));
    expect(first.output).toMatchObject(expected);
    expect(await run.attempt(run.call({ assign }, 'steps/0'))).toEqual(first);
    expect(await deal(id)).toMatchObject({ ownerId: members[0]?.userId });

    const { id: other } = await newDeal({ ownerId: members[1]?.userId });
    expect(await run.perform({ assign: { ...assign, id: text(other) } })).toMatchObject({
      ownerId: members[1]?.userId,
    });
    expect(await run.undoAll()).toEqual([]);
    expect(await deal(id)).toMatchObject({ ownerId: members[1]?.userId });
    await bench.api.ok('DELETE', `/v1/assignmentRules/${ruleId}`);
  });

  test('of a path of any length creates one record', async () => {
    const run = bench.run();
    const create = { type: 'customer', fields: [field('kind', 'PERSON'), field('displayName', 'Deep')] };
    const call = run.call({ create }, `steps/0${'/fork/branches/9/steps/49[999]'.repeat(6)}`);
    const first = await run.attempt(call);
    expect((await run.attempt(call)).output).toEqual(first.output);
    expect(await run.undoAll()).toEqual([]);
  });

  test('finds records, with their number', async () => {
    const { id } = await newDeal({ title: 'Findable' });
    const found = await bench.run().perform({ find: { type: 'deal', filter: text(`id = ${id}`) } });
    expect(found).toMatchObject({ count: 1, records: [{ id, title: 'Findable' }] });
  });

  test('changes fields, and custom fields apart from others', async () => {
    await bench.api.ok('POST', '/v1/customFields', {
      recordType: 'deal',
      key: 'plan',
      displayName: 'Plan',
      type: 'TEXT',
    });
    await bench.api.ok('POST', '/v1/customFields', {
      recordType: 'deal',
      key: 'seats',
      displayName: 'Seats',
      type: 'NUMBER',
    });
    const { id } = await newDeal({ customFields: { plan: 'basic', seats: 3 } });
    const run = bench.run();
    const amount = { currencyCode: 'EUR', amount: '12.50' };
    const fields = [field('amount', amount), field('customFields.seats', 50)];
    await run.perform({ update: { type: 'deal', id: text(id), fields } });

    expect(await deal(id)).toMatchObject({ amount, customFields: { plan: 'basic', seats: 50 } });
    expect(await run.undoAll()).toEqual([]);
    const after = await deal(id);
    expect(after).toMatchObject({ customFields: { plan: 'basic', seats: 3 } });
    expect(after).not.toHaveProperty('amount');
  });

  test('adds a task and a note about the record of the run', async () => {
    const { id } = await newDeal();
    const [ownerId = ''] = await bench.users(1);
    const run = bench.run({ type: 'deal', id });
    const task = await run.perform({
      addTask: {
        subject: text('Call'),
        ownerId: text(ownerId),
        dueInSeconds: undefined,
      },
    });
    const note = await run.perform({ addNote: { text: text('Came by campaign') } });

    expect(task).toMatchObject({ subject: 'Call', ownerId, related: [{ type: 'deal', id }] });
    expect(note).toMatchObject({ body: 'Came by campaign', related: [{ type: 'deal', id }] });
  });

  test.each([
    [{ create: { type: 'nothing', fields: [] } }, 'RECORD_TYPE_UNKNOWN'],
    [{ create: { type: 'stageEntry', fields: [] } }, 'RECORD_TYPE_READ_ONLY'],
    [{ create: { type: 'deal', fields: [field('title', 7)] } }, 'VALIDATION_FAILED'],
    [{ create: { type: 'deal', fields: [field('status', 'DREAMT')] } }, 'VALIDATION_FAILED'],
    [{ create: { type: 'deal', fields: [field('title', 'No pipeline')] } }, 'VALIDATION_FAILED'],
    [
      { update: { type: 'deal', id: text('019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11'), fields: [field('title', 'No')] } },
      'DEAL_NOT_FOUND',
    ],
  ])('fails for good when customers refuses it: %j', async (content, code) => {
    await expect(bench.run().perform(content)).rejects.toMatchObject({ code, kind: 'FINAL' });
  });
});

describe('undo', () => {
  test('of a change leaves a value that was changed since, and restores the others of other steps', async () => {
    const { id } = await newDeal();
    const run = bench.run();
    await run.perform({ update: { type: 'deal', id: text(id), fields: [field('title', 'One')] } });
    await run.perform({ update: { type: 'deal', id: text(id), fields: [field('tags', ['flow'])] } });
    await bench.api.ok('PATCH', `/v1/deals/${id}`, { title: 'Mine' });

    expect(await run.undoAll()).toEqual(['CHANGED_SINCE']);
    const after = await deal(id);
    expect(after).toMatchObject({ title: 'Mine' });
    expect(after).toMatchObject({ tags: [] });
  });

  test('of several changes of one field by a run gives the first value', async () => {
    const { id } = await newDeal();
    const run = bench.run();
    for (const title of ['One', 'Two', 'Three']) {
      await run.perform({ update: { type: 'deal', id: text(id), fields: [field('title', title)] } });
    }
    expect(await run.undoAll()).toEqual([]);
    expect(await deal(id)).toMatchObject({ title: 'Renewal' });
  });

  test('knows the value before even if only a later attempt has received the answer', async () => {
    const { id } = await newDeal();
    const run = bench.run();
    const call = run.call({ update: { type: 'deal', id: text(id), fields: [field('title', 'One')] } });
    await run.effects.perform(call, bench.signal);
    await run.attempt(call);

    expect(await run.undoAll()).toEqual([]);
    expect(await deal(id)).toMatchObject({ title: 'Renewal' });
  });

  test('knows the value before after a hundred later changes, and says so if the log has it no more', async () => {
    const customerId = await bench.api.createCustomer('Ada');
    const [run, late] = [bench.run(), bench.run()];
    const renamed = { type: 'customer', id: text(customerId) };
    const call = run.call({ update: { ...renamed, fields: [field('jobTitle', 'CFO')] } });
    const lateCall = late.call({ update: { ...renamed, fields: [field('source', 'flow')] } });
    await run.effects.perform(call, bench.signal);
    await late.effects.perform(lateCall, bench.signal);
    for (let count = 0; count <= 100; count += 1) {
      await bench.api.updateCustomer(customerId, { displayName: `Ada ${count}` });
    }
    await run.attempt(call);
    expect(await run.undoAll()).toEqual([]);
    const after = await bench.record('customer', customerId);
    expect(after).not.toHaveProperty('jobTitle');

    await bench.api.query('delete from change_log where record_id = $1', [customerId], 'customers');
    await late.attempt(lateCall);
    expect(await late.undoAll()).toEqual(['NOT_UNDOABLE']);
    expect(await bench.record('customer', customerId)).toMatchObject({ source: 'flow' });
  });

  test('of a change that changed nothing undoes nothing of others', async () => {
    const { id } = await newDeal();
    await bench.api.ok('PATCH', `/v1/deals/${id}`, { title: 'One' });
    const run = bench.run();
    await run.perform({ update: { type: 'deal', id: text(id), fields: [field('title', 'One')] } });

    expect(await run.undoAll()).toEqual([]);
    expect(await deal(id)).toMatchObject({ title: 'One' });
  });

  test('of a creation leaves a record that was changed since', async () => {
    const run = bench.run();
    const create = {
      type: 'deal',
      fields: [field('title', 'New'), field('pipelineId', pipelineId), field('stage', 'lead')],
    };
    const [kept, removed] = [await run.perform({ create }), await run.perform({ create })];
    await bench.api.ok('PATCH', `/v1/deals/${String(kept['id'])}`, { title: 'Mine' });

    expect(await run.undoAll()).toEqual(['CHANGED_SINCE']);
    expect(await deal(String(kept['id']))).toMatchObject({ title: 'Mine' });
    await expect(deal(String(removed['id']))).rejects.toMatchObject({ reason: 'DEAL_NOT_FOUND' });
  });
});

test('a run that fails at any step leaves every record as it was', async () => {
  const { id } = await newDeal({ externalIds: [{ system: 'erp', value: 'd-1' }] });
  const other = await newDeal({ title: 'Deleted by the run' });
  const { id: customerId } = await bench.api.ok<{ id: string }>('POST', '/v1/customers', {
    kind: 'COMPANY',
    displayName: 'Jordan',
  });
  const [owner = ''] = await bench.users(1);
  const steps = [
    { update: { type: 'deal', id: text(id), fields: [field('title', 'One'), field('probability', 70)] } },
    { moveStage: { dealId: text(id), stage: 'proposal', reason: text('Ready'), fields: [field('tags', ['flow'])] } },
    { create: { type: 'customer', fields: [field('kind', 'PERSON'), field('displayName', 'Lyra')] } },
    { addNote: { text: text('Came by campaign') } },
    { delete: { type: 'deal', id: text(other.id) } },
    {
      upsert: {
        type: 'deal',
        system: 'erp',
        value: text('d-1'),
        fields: [field('title', 'Two'), field('pipelineId', pipelineId), field('stage', 'proposal')],
      },
    },
    {
      upsert: {
        type: 'customer',
        system: 'erp',
        value: text('c-9'),
        fields: [field('kind', 'COMPANY'), field('displayName', 'New')],
      },
    },
    {
      link: {
        fromType: 'deal',
        fromId: text(id),
        toType: 'customer',
        toId: text(customerId),
        associationType: 'buyer',
      },
    },
    { assign: { type: 'deal', id: text(id), userId: text(owner) } },
    { addTask: { subject: text('Call'), ownerId: text(owner) } },
  ];
  const run = bench.run({ type: 'deal', id });
  const states = [await state()];
  for (const step of steps) {
    await run.perform(step);
    states.push(await state());
    expect(states.at(-1)).not.toEqual(states.at(-2));
  }
  // A run that fails behind a step undoes it, and then each one before.
  for (const { call, undo } of run.done.toReversed()) {
    states.pop();
    await run.effects.undo(call, undo, bench.signal);
    expect(await state()).toEqual(states.at(-1));
  }
  expect(states).toHaveLength(1);

  /** All live records, without what each write changes. */
  async function state(): Promise<unknown> {
    const types = ['deal', 'customer', 'task', 'note'];
    const records = await Promise.all(types.map((type) => bench.records(type)));
    const links = await bench.links(`deals/${id}`);
    const ignored = new Set([
      ...['etag', 'updateTime', 'updatedBy', 'nextPageToken'],
      ...['stageTime', 'stageEnterTime', 'rank', 'lastActivityTime'],
    ]);
    return JSON.parse(
      JSON.stringify([records, links], (name, value: unknown) => (ignored.has(name) ? undefined : value)),
    );
  }
}, 60_000);
