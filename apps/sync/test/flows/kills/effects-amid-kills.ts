import { setTimeout as delay } from 'node:timers/promises';
import { printedSeed, printTally, ScriptedRelay, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { expect, test } from 'vitest';
import type { EffectCall, EffectOutcome } from '../../../src/flows/effects/effect-port.ts';
import { textIn } from '../../../src/flows/effects/record-values.ts';
import { MailTenant } from '../../mail/mail-tenant.ts';
import { EffectBench, field, text, type BenchRun, type Json } from '../effect-bench.ts';
import { age, diceOf, forEach, untilKnown, type Counts } from './lost-outcomes.ts';

const runs = sizeOf('EFFECT_RUNS', { short: 4, long: 300 });
const kills = sizeOf('EFFECT_KILLS', { short: 1, long: 40 });

let platform: Platform;
let bench: EffectBench;
let relay: ScriptedRelay;
let pipelineId: string;
let mailboxId: string;

/** Owners of deals: the steps give the first one, and the rules one of the others. */
let owners: string[];

/** Steps of each kind that changes records or sends messages. */
function stepsOf({ dealId, customerId, ticketId }: NewRun, name: string): object[] {
  const newDeal = [field('title', name), field('pipelineId', pipelineId), field('stage', 'lead')];
  const toType = 'customer';
  return [
    { create: { type: 'deal', fields: newDeal } },
    { update: { type: 'deal', id: text(dealId), fields: [field('title', `${name} 1`)] } },
    { moveStage: { dealId: text(dealId), stage: 'proposal' } },
    { upsert: { type: 'deal', system: 'erp', value: text(name), fields: newDeal } },
    { upsert: { type: 'deal', system: 'erp', value: text(name), fields: [...newDeal, field('tags', ['flow'])] } },
    { addNote: { text: text(name) } },
    { addTask: { subject: text(name) } },
    { link: { fromType: 'deal', fromId: text(dealId), toType, toId: text(customerId), associationType: 'buyer' } },
    { update: { type: 'deal', id: text(dealId), fields: [field('title', `${name} 2`)] } },
    { assign: { type: 'deal', id: text(dealId), userId: text(owners[0]) } },
    { assign: { type: 'deal', id: text(dealId), byRules: true } },
    { reply: { ticketId: text(ticketId), text: text('It is fixed.') } },
    { send: { to: [text(`${name}@example.net`)], subject: text(name), text: text('Hello.') } },
    { delete: { type: 'deal', id: text(dealId) } },
  ];
}

/** @param current gives the platform whose customers is killed */
export function declareEffectsAmidKills(current: () => Platform): void {
  test(
    'effects and their undoing happen exactly once through kills of customers, lost outcomes and 30 days',
    { timeout: soakTimeoutMs },
    async () => {
      platform = current();
      await prepare();
      const dice = diceOf(printedSeed('effects-amid-kills'));
      const counts = { attempts: 0, lost: 0, aged: 0 };
      const reference = await newRun('reference');
      await follow(reference, 'reference', async (perform) => perform());
      const [expected, undone] = [await changesOf(reference.run), await undoOf(reference.run)];
      expect(undone).not.toEqual(expected);

      const all: NewRun[] = [];
      await forEach([...Array(runs).keys()], async (index) => {
        all[index] = await newRun(`run-${index}`);
      });
      const isUnsteady = { value: true };
      const killing = killCustomers(isUnsteady);
      // A failure elsewhere ends the test before its last kill.
      killing.catch(() => undefined);
      await forEach(all, (each, index) =>
        follow(each, `run-${index}`, (perform) => untilKnown(bench, perform, dice, counts)),
      );
      // A month later, all of them are repeated.
      for (let days = 0; days < 30; days += 1) await age(bench, counts);
      const repeated = all.flatMap(({ run, calls }) => calls.map((call) => [run, call] as const));
      await forEach(repeated, async ([run, call]) => {
        await untilKnown(bench, (signal) => run.effects.perform(call, signal), dice, counts);
      });
      for (const { run } of all) expect(await changesOf(run)).toEqual(expected);
      expect(await turns()).toEqual([{ turn: runs + 1 }]);
      // Half of them are undone, some more than once, and some after another user has changed what they have made.
      const half = all.filter((_, index) => index % 2 === 0);
      const changed = half.filter((_, index) => index % 2 === 1);
      const notes = await Promise.all(changed.map(({ run }) => changeNote(run)));
      await forEach(half, ({ run }) => undoAll(run, dice, counts));
      isUnsteady.value = false;
      const killed = await killing;
      for (const { run } of half.filter((each) => !changed.includes(each))) {
        expect(await changesOf(run)).toEqual(undone);
        expect(run.refused).toEqual([]);
      }
      for (const [index, { run }] of changed.entries()) {
        expect(await changesOf(run)).toEqual(undone.filter((each) => !isRemovedNote(each)));
        expect(run.refused).toEqual(['CHANGED_SINCE']);
        expect(await bench.record('note', notes[index] ?? '')).toMatchObject({ body: 'Mine' });
      }
      const sent = await checkMessages(2 * (runs + 1));
      await bench.close();
      await relay.stop();
      const steps = runs * (all[0]?.calls.length ?? 0);
      printTally('effects-amid-kills', {
        runs,
        steps,
        repeated: repeated.length,
        killed,
        changed: changed.length,
        ...counts,
        ...sent,
      });
    },
  );
}

/** A tenant with a mailbox that sends by a relay, and a rule for deals that have left their first stage. */
async function prepare(): Promise<void> {
  relay = await ScriptedRelay.start();
  const mail = await MailTenant.create(platform, relay);
  const { api } = mail;
  mailboxId = mail.mailboxId;
  bench = await EffectBench.of(platform, api);
  owners = await bench.users(3);
  const stages = ['lead', 'proposal'].map((key) => ({ key, name: key, kind: 'OPEN' }));
  pipelineId = (await api.ok<{ id: string }>('POST', '/v1/pipelines', { name: 'Sales', stages })).id;
  const members = owners.slice(1).map((userId) => ({ userId }));
  const rule = { name: 'Deals', recordType: 'deal', method: 'ROUND_ROBIN', filter: 'stage = proposal', members };
  await api.ok('POST', '/v1/assignmentRules', rule);
}

/** Turns that the rule has given. */
function turns(): Promise<Json[]> {
  const { tenantId } = bench.api.tenant;
  return bench.api.query('select turn::int from assignment_turn where tenant_id = $1', [tenantId], 'customers');
}

/** No message has reached the relay twice, and of each one it is known, or said that it is not. */
async function checkMessages(count: number): Promise<Record<string, number>> {
  const states = () =>
    bench.api.query<{ state: string; count: number }>(
      'select state, count(*)::int as count from message where tenant_id = $1 group by 1 order by 1',
      [bench.api.tenant.tenantId],
      'customers',
    );
  const isOpen = async () => (await states()).some(({ state }) => state === 'QUEUED' || state === 'CLAIMED');
  await expect.poll(isOpen, { timeout: soakTimeoutMs, interval: 250 }).toBe(false);
  const ids = relay.received.map(({ content }) => /^Message-ID: <([^>]+)>/im.exec(content)?.[1]);
  expect(new Set(ids).size).toBe(ids.length);
  const ended = Object.fromEntries((await states()).map(({ state, count: each }) => [state, each]));
  const { HANDED_OVER: handedOver = 0, UNKNOWN: unknown = 0 } = ended;
  expect(handedOver + unknown).toBe(count);
  expect(ids.length).toBeGreaterThanOrEqual(handedOver);
  return { handedOver, unknown };
}

function isRemovedNote({ type, operation }: Json): boolean {
  return type === 'note' && operation === 'DELETE';
}

/** Another user changes the note of a run. @returns its id */
async function changeNote({ done }: BenchRun): Promise<string> {
  const note = done.find(({ call }) => call.step.addNote);
  const id = textIn(note?.undo ?? {}, 'id');
  // The edge takes a moment to reach customers again after a kill.
  const change = () => bench.api.send('PATCH', `/v1/notes/${id}`, { body: 'Mine' });
  await expect.poll(change, { timeout: soakTimeoutMs, interval: 50 }).toMatchObject({ status: 200 });
  return id;
}

interface NewRun {
  run: BenchRun & { refused: string[] };
  /** All that were performed, also those that nothing undoes. */
  calls: EffectCall[];
  dealId: string;
  customerId: string;
  ticketId: string;
}

async function newRun(name: string): Promise<NewRun> {
  const create = async (path: string, body: Json) => (await bench.api.ok<{ id: string }>('POST', path, body)).id;
  const dealId = await create('/v1/deals', { title: name, pipelineId, stage: 'lead' });
  const emails = [{ address: `${name}@example.net` }];
  const customerId = await create('/v1/customers', { kind: 'COMPANY', displayName: name, emails });
  const ticketId = await create('/v1/tickets', { subject: name, customerId, mailboxId });
  const run = Object.assign(bench.run({ type: 'deal', id: dealId }), { refused: [] });
  return { run, calls: [], dealId, customerId, ticketId };
}

/** Performs the steps, each as often as `attempt` wants. */
async function follow(
  started: NewRun,
  name: string,
  attempt: (perform: (signal?: AbortSignal) => Promise<EffectOutcome>) => Promise<EffectOutcome>,
): Promise<void> {
  const { run, calls } = started;
  for (const [index, content] of stepsOf(started, name).entries()) {
    const call = run.call(content, `steps/${index}`);
    const { undo } = await attempt((signal = bench.signal) => run.effects.perform(call, signal));
    calls.push(call);
    if (undo) run.done.push({ call, undo });
  }
}

async function undoAll(run: NewRun['run'], dice: () => number, counts: Counts): Promise<void> {
  for (const { call, undo } of run.done.toReversed()) {
    const attempt = (signal: AbortSignal) =>
      run.effects.undo(call, undo, signal).then(
        () => undefined,
        (error: { kind: string; code: string }) => {
          if (error.kind === 'PASSING') throw error;
          return error.code;
        },
      );
    const refused = await untilKnown(bench, attempt, dice, counts);
    if (refused !== undefined) run.refused.push(refused);
  }
}

async function undoOf(run: BenchRun): Promise<Json[]> {
  expect(await run.undoAll()).toEqual([]);
  return changesOf(run);
}

/** The changes that a run has caused, once the log has all. */
async function changesOf({ runId }: BenchRun): Promise<Json[]> {
  const waiting = () =>
    bench.api.query('select from outbox where tenant_id = $1', [bench.api.tenant.tenantId], 'customers');
  await expect.poll(async () => (await waiting()).length, { timeout: 60_000 }).toBe(0);
  return bench.api.query<Json>(
    `select type, operation, changed_fields, count(*)::int as count from change_log
      where tenant_id = $1 and origin = 'flow' and causation_id = $2 group by 1, 2, 3 order by 1, 2, 3`,
    [bench.api.tenant.tenantId, runId],
    'customers',
  );
}

async function killCustomers(isUnsteady: { value: boolean }): Promise<number> {
  let killed = 0;
  while (isUnsteady.value && killed < kills) {
    // Some effects are under way at the next kill.
    await delay(300);
    await platform.services.customers.kill();
    await platform.services.customers.start();
    killed += 1;
  }
  return killed;
}
