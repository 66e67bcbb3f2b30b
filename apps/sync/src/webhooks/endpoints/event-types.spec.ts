import { contractWithSiteVisits, feedTypes } from '@rapport/contracts';
import { ChangeOperation } from '@rapport/contracts/rapport/api/v1/change_feed';
import { expect, it } from 'vitest';
import { eventTypeOf, eventTypes, eventTypesOf, readPermissions, wants } from './event-types.js';

const mayRead = { readPermissions: ['customers.read'] };
const update = { type: 'customer.updated', changed_fields: ['emails', 'tags'] };

it.each<[string[], string[], boolean]>([
  [['*'], [], true],
  [['customer.*'], [], true],
  [['customer.updated'], [], true],
  [['customer.created', 'merge.*'], [], false],
  [['*'], ['emails'], true],
  [['*'], ['displayName'], false],
])('an endpoint for %j and fields %j wants an update of e-mail addresses: %j', (types, fields, expected) => {
  expect(wants({ ...mayRead, eventTypes: types, fields }, update)).toBe(expected);
});

it('fields filter updates only', () => {
  const endpoint = { ...mayRead, eventTypes: ['customer.*'], fields: ['emails'] };
  expect(wants(endpoint, { type: 'customer.deleted', changed_fields: [] })).toBe(true);
});

it('every endpoint receives a gap', () => {
  const type = eventTypeOf({ type: 'customer', operation: ChangeOperation.GAP });
  const endpoint = { readPermissions: [], eventTypes: ['merge.created'], fields: ['emails'] };
  expect(wants(endpoint, { type, changed_fields: [] })).toBe(true);
});

it('knows every operation that the contract has', () => {
  const operations = Object.values(ChangeOperation).filter(
    (value) => typeof value === 'number' && value !== ChangeOperation.UNSPECIFIED,
  );
  const types = operations.map((operation) => eventTypeOf({ type: 'customer', operation: operation }));
  expect(types.filter((type) => !eventTypes.has(type))).toEqual(['changes.gap']);
});

const withSiteVisits = feedTypes(contractWithSiteVisits());

/** Types of released versions. An endpoint with a type that is removed here is refused at its next change. */
const released = [
  ...['*', 'webhook_endpoint.disabled'],
  ...[
    'customer',
    'custom_object',
    'object_record',
    'exchange_rate',
    'deal',
    'lead',
    'pipeline',
    'quote',
    'price',
    'price_book',
    'product',
    'stage_entry',
    'message',
    'assignment_rule',
    'assignment',
    'call',
    'email',
    'meeting',
    'note',
    'task',
    'association',
    'custom_field',
    'merge',
    'consent',
    'suppression',
    'settings',
    'file',
    'quota',
    'calendar',
    'forecast_submission',
    'queue',
    'macro',
    'ticket',
    'ticket_entry',
    'ticket_status',
    'sla_policy',
    'sla_timer',
    'template',
    'article',
    'article_section',
    'survey',
    'topic',
    'campaign',
    'campaign_recipient',
    'survey_response',
    'form',
    'form_submission',
    'segment',
    'segment_member',
    'message_event',
    'touchpoint',
  ].flatMap((type) => ['*', 'created', 'updated', 'deleted', 'undeleted', 'merged'].map((verb) => `${type}.${verb}`)),
];

it('has the types of events that were released', () => {
  expect([...eventTypes].toSorted()).toEqual(released.toSorted());
});

it('has events of a new type of records as soon as the contract declares it', () => {
  const added = [...eventTypesOf(withSiteVisits)].filter((type) => !eventTypes.has(type));

  expect(added).toEqual([
    ...['site_visit.*', 'site_visit.created', 'site_visit.updated', 'site_visit.deleted'],
    ...['site_visit.undeleted', 'site_visit.merged'],
  ]);
});

it.each<[string[], string[]]>([
  [['customers.read'], ['customer.created', 'suppression.created', 'webhook_endpoint.disabled']],
  [['siteVisits.read'], ['site_visit.created', 'webhook_endpoint.disabled']],
  [[], ['webhook_endpoint.disabled']],
])('an endpoint for all events, set by a caller with %j, gets %j only', (permissions, expected) => {
  const endpoint = { eventTypes: ['*'], fields: [], readPermissions: permissions };
  const all = ['customer.created', 'suppression.created', 'site_visit.created', 'unknown.created'];
  const sent = [...all, 'webhook_endpoint.disabled'].filter((type) =>
    wants(endpoint, { type, changed_fields: [] }, withSiteVisits),
  );
  expect(sent).toEqual(expected);
});

it('* stands for what the caller may read', () => {
  const held = ['webhooks.write', 'customers.read'];
  expect(readPermissions(['*'], held, withSiteVisits)).toEqual(['customers.read']);
  expect(readPermissions(['*'], [...held, 'siteVisits.read'], withSiteVisits)).toEqual([
    'customers.read',
    'siteVisits.read',
  ]);
});

it.each(['site_visit.*', 'site_visit.created'])('%s is refused to a caller that may not read site visits', (type) => {
  const choose = (held: string[]) => readPermissions(['customer.*', type], held, withSiteVisits);
  expect(() => choose(['customers.read'])).toThrow('The permission siteVisits.read is needed.');
  expect(choose(['customers.read', 'siteVisits.read'])).toEqual(['customers.read', 'siteVisits.read']);
});

it.each<[string[], boolean]>([
  [['customers.read'], false],
  [['customers.read', 'deals.read'], true],
])('an association with a deal goes to an endpoint that may read %j: %j', (permissions, expected) => {
  const endpoint = { eventTypes: ['*'], fields: [], readPermissions: permissions };
  const ends = { from: 'customers/1', to: 'deals/2' };
  for (const type of ['association.created', 'association.updated', 'association.deleted']) {
    const values = type === 'association.deleted' ? { before: ends, after: null } : { before: null, after: ends };
    expect(wants(endpoint, { type, changed_fields: ['role'], ...values })).toBe(expected);
  }
  const names = { from: 'customers/1', to: 'orders/2' };
  expect(wants(endpoint, { type: 'association.created', changed_fields: [], before: null, after: names })).toBe(false);
});
