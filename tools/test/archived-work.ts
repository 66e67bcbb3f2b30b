import { expect, vi } from 'vitest';
import type { Workspace } from './workspaces.ts';

const patience = { timeout: 60_000, interval: 100 };

/** A campaign to three customers without addresses: it is done without sending. @returns its id */
export async function endedCampaign(workspace: Workspace): Promise<string> {
  const create = async (path: string, body: object) => (await workspace.send('POST', path, body)).id;
  const relayId = await create('/v1/relays', { name: 'Office', host: 'smtp.example.com' });
  const mailboxId = await create('/v1/mailboxes', { address: 'news@kestrel.example', kind: 'SEND_ONLY', relayId });
  await create('/v1/topics', { key: 'news', name: 'News' });
  const segmentId = await create('/v1/segments', { key: 'all', name: 'All', kind: 'STATIC' });
  const person = (displayName: string) => create('/v1/customers', { kind: 'PERSON', displayName });
  const customerIds = await Promise.all(['Ada', 'Bob', 'Cyd'].map(person));
  await workspace.send('POST', `/v1/segments/${segmentId}:addMembers`, { customerIds });
  const templateId = await create('/v1/templates', { key: 'news', name: 'News', subject: 'News', body: 'News' });
  await workspace.send('POST', `/v1/templates/${templateId}:publish`);
  const needs = { topicKey: 'news', mailboxId, includeSegmentIds: [segmentId], variants: [{ key: 'a', templateId }] };
  const id = await create('/v1/campaigns', { name: 'Spring', ...needs });
  // The mailbox reaches the service that starts campaigns a moment later.
  const start = async () => (await workspace.api.send('POST', `/v1/campaigns/${id}:start`)).status;
  await vi.waitUntil(async () => (await start()) === 200, patience);
  const campaign = () => workspace.send<Record<string, unknown>>('GET', `/v1/campaigns/${id}`);
  const done = await vi.waitUntil(async () => {
    const found = await campaign();
    return found['state'] === 'DONE' && found;
  }, patience);
  expect(done).toMatchObject({ counts: { skipped: 3 } });
  return id;
}

/** Two messages to a relay that nobody reaches. */
export async function addMessages(workspace: Workspace): Promise<void> {
  const create = async (path: string, body: object) => (await workspace.send('POST', path, body)).id;
  const relayId = await create('/v1/relays', { name: 'Office', host: 'smtp.example.com' });
  const mailboxId = await create('/v1/mailboxes', { address: 'help@kestrel.example', kind: 'SEND_ONLY', relayId });
  const body = { mailboxId, to: ['ada@example.com'], subject: 'Hello', text: 'Hello' };
  const send = async () => (await workspace.api.send('POST', '/v1/messages:send', { body })).status;
  await vi.waitUntil(async () => (await send()) === 200, patience);
  await send();
}

/** A recipient with a state in which it has no reason. */
export function withState(state: string) {
  return (line: Record<string, unknown>) => ({ ...line, state, reason: undefined });
}
