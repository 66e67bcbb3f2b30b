import { expect, it } from 'vitest';
import { eventBody } from './event-body.js';
import { gatherEvents, platformEvent, type WebhookEvent } from './webhook-event.js';

const base: WebhookEvent = {
  ...platformEvent('019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a33', 'customer.updated', {}),
  record_type: 'customer',
  record_id: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a44',
  operation: 'UPDATE',
};
const full = { payload: 'FULL', hidesPersonalData: false };

function update(version: number, field: string, before: unknown, after: unknown): WebhookEvent {
  const id = `019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a0${version}`;
  return { ...base, id, version, changed_fields: [field], before: { [field]: before }, after: { [field]: after } };
}

function dataOf(event: WebhookEvent, endpoint = full): Record<string, unknown> {
  return (JSON.parse(eventBody(event, endpoint).toString()) as { data: Record<string, unknown> }).data;
}

it('gathers changes into one from the first state to the last, with the id of the first', () => {
  const gathered = gatherEvents([
    update(2, 'displayName', 'Ada', 'Eda'),
    update(3, 'jobTitle', null, 'Analyst'),
    update(4, 'displayName', 'Eda', 'Ida'),
  ]);
  expect(gathered).toMatchObject({
    id: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a02',
    version: 4,
    changed_fields: ['displayName', 'jobTitle'],
    before: { displayName: 'Ada', jobTitle: null },
    after: { displayName: 'Ida', jobTitle: 'Analyst' },
  });
});

it('reports a new record as created after later changes, unless it was deleted', () => {
  const created = { ...base, type: 'customer.created', operation: 'CREATE' };
  const gone = { ...base, type: 'customer.deleted', operation: 'DELETE' };
  expect(gatherEvents([created, update(2, 'tags', [], ['vip'])])).toMatchObject({
    type: 'customer.created',
    operation: 'CREATE',
  });
  expect(gatherEvents([created, gone])).toMatchObject({ type: 'customer.deleted', operation: 'DELETE' });
});

it('hides personal data, and nothing else, from an endpoint whose creator has no access to it', () => {
  const after = {
    displayName: 'Ada',
    emails: [{ address: 'ada@example.com', label: 'work' }],
    birthDate: null,
    tags: ['vip'],
  };
  const shown = dataOf({ ...base, after }, { ...full, hidesPersonalData: true });
  expect(shown['after']).toEqual({
    displayName: '***',
    emails: [{ address: '***', label: 'work' }],
    birthDate: null,
    tags: ['vip'],
  });
});
