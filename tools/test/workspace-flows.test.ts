import { sharedPlatform } from '@rapport/testing';
import { expect, inject, it } from 'vitest';
import { Workspace } from './workspaces.ts';

interface Imported {
  flows: { flowId: string; key: string; outcome: string; faults?: { reason: string }[] }[];
}

it('the flows of a workspace find what they name in a copy of it, and nothing of it in another workspace', async () => {
  const platform = await sharedPlatform(inject('platformUrl'));
  const [source, copy, other] = await Promise.all(
    ['Flows', 'Copy of flows', 'Other'].map((name) => Workspace.create(platform, name)),
  );
  await addFlows(source!);
  const file = await exported(source!);
  expect(await copy!.import((await source!.export()).bytes)).toMatchObject({ state: 'SUCCEEDED' });

  const { flows } = await importFlows(copy!, file);

  expect(flows.map(({ key, outcome, faults }) => ({ key, outcome, faults }))).toEqual(
    ['contract', 'member', 'seats'].map((key) => ({ key, outcome: 'CREATED', faults: [] })),
  );
  expect(flowsOf(await exported(copy!))).toEqual(flowsOf(file));
  for (const { flowId } of flows) {
    expect(await copy!.send('POST', `/v1/flows/${flowId}:publish`)).toMatchObject({ state: 'ACTIVE' });
  }
  expect(await exported(copy!)).toBe(file);

  const { flows: strange } = await importFlows(other!, file);
  expect(strange.map(({ key, faults = [] }) => [key, ...faults.map(({ reason }) => reason)])).toEqual([
    ['contract', 'RECORD_TYPE_UNKNOWN'],
    ['member', 'SEGMENT_UNKNOWN'],
    ['seats', 'BAD_EXPRESSION'],
  ]);
});

/** Published flows that name a custom object, a segment, a calendar and a custom field of the workspace. */
async function addFlows(workspace: Workspace): Promise<void> {
  const create = async (path: string, body: object) => (await workspace.send('POST', path, body)).id;
  await create('/v1/customObjects', { key: 'contract', displayName: 'Contract' });
  await create('/v1/customFields', { recordType: 'deal', key: 'seats', type: 'NUMBER', displayName: 'Seats' });
  const segmentId = await create('/v1/segments', { key: 'vip', name: 'VIP', kind: 'STATIC' });
  const weekly = [{ day: 'MONDAY', opens: '09:00', closes: '17:00' }];
  const calendarId = await create('/v1/calendars', { name: 'Office', timeZone: 'Europe/Berlin', weekly });
  const steps = [{ key: 'call', addTask: { subject: "'Call'", dueInSeconds: 60, calendarId } }];
  for (const [key, trigger, condition] of [
    ['contract', { record: { type: 'objectRecord/contract' } }],
    ['member', { segment: { segmentId, joined: true } }],
    ['seats', { record: { type: 'deal' } }, 'record.customFields.seats > 5.0'],
  ] as const) {
    const id = await create('/v1/flows', { key, name: key, definition: { trigger, condition, steps } });
    await workspace.send('POST', `/v1/flows/${id}:publish`);
  }
}

async function exported(workspace: Workspace): Promise<string> {
  return (await workspace.api.send('GET', '/v1/flows:exportAll')).body as string;
}

async function importFlows(workspace: Workspace, file: string): Promise<Imported> {
  const headers = { 'content-type': 'application/x-ndjson' };
  const { status, body } = await workspace.api.send('POST', '/v1/flows:importAll', { headers, body: file });
  expect(status, JSON.stringify(body)).toBe(200);
  return body as Imported;
}

function flowsOf(file: string): unknown[] {
  const lines = file.trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { flow: unknown }).flow);
}
