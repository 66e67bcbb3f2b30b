import { contractWithSiteVisits, recordContracts } from '@rapport/contracts';
import { expect, test } from 'vitest';
import { exchangedFields, fixedFields } from './exchanged-fields.js';
import { definitionChangeTypes, exchangedType, exchangedTypes } from './exchanged-types.js';

test('types whose records callers write are exchanged', () => {
  expect([...exchangedTypes.keys()]).toEqual(
    recordContracts(contractWithSiteVisits())
      .filter(({ options, plural }) => !options.readOnly && plural !== 'siteVisits')
      .map(({ plural }) => plural),
  );
  expect([...exchangedTypes.keys()]).not.toContain('stageEntries');
});

test('fields have the kinds that their values have in JSON', () => {
  const { fields } = exchangedType('deals');
  const kinds = ['title', 'customerId', 'amount', 'amount.amount', 'closeDate', 'status', 'stageTime', 'tags'].map(
    (name) => fields.get(name)?.kind,
  );

  expect(kinds).toEqual(['TEXT', 'REFERENCE', 'OBJECT', 'DECIMAL', 'DATE', 'SELECT', 'TIME', 'TEXT_LIST']);
  expect(fields.get('status')).toMatchObject({ writable: 'NEVER', isRequired: false });
  expect(fields.get('pipelineId')).toMatchObject({ isRequired: true, reference: 'rapport/Pipeline' });
  expect(fields.get('title')).toMatchObject({ isRequired: true, isPersonal: true });
  expect([...(fields.get('status')?.options.keys() ?? [])]).toEqual(['OPEN', 'WON', 'LOST']);
});

test('external ids and own fields are no fields, and the kind of customers is that of the mapping', () => {
  for (const { fields } of exchangedTypes.values()) {
    expect(fields.has('externalIds')).toBe(false);
    expect(fields.has('customFields')).toBe(false);
  }
  const { fields, fixed } = exchangedType('customers');
  expect(fields.has('kind')).toBe(false);
  expect([...(fixed.get('kind')?.keys() ?? [])]).toEqual(['PERSON', 'COMPANY']);
});

test('e-mail addresses and domains are the fields of which a customer is the only one', () => {
  const fields = [...exchangedType('customers').fields.values()];

  expect(fields.filter(({ isUnique }) => isUnique).map(({ name }) => name)).toEqual(['emails', 'domains']);
});

test('what defines what records may hold', () => {
  const types = [
    'custom_field',
    'custom_object',
    'pipeline',
    'quota',
    'assignment_rule',
    'calendar',
    'price_book',
    'queue',
    'survey',
    'topic',
    'form',
    'sla_policy',
    'ticket_status',
  ];
  expect([...definitionChangeTypes].toSorted()).toEqual(types.toSorted());
});

test('a type that is declared elsewhere has its fields with nothing said of it here', () => {
  const visits = recordContracts(contractWithSiteVisits()).find(({ plural }) => plural === 'siteVisits');

  expect(visits && exchangedFields(visits).size).toBeGreaterThan(0);
  expect(visits && fixedFields(visits).size).toBe(0);
});
