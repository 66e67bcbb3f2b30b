import { toBinary, type DescField } from '@bufbuild/protobuf';
import { FieldOptionsSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { recordContracts } from './record-contract.js';

/** The fields that record types have in common, by their numbers. */
const standard: Readonly<Record<number, string>> = {
  1: 'id',
  50: 'owner_id',
  51: 'owner_team_id',
  52: 'external_ids',
  53: 'custom_fields',
  54: 'etag',
  55: 'create_time',
  56: 'update_time',
  57: 'delete_time',
  58: 'created_by',
  59: 'updated_by',
  60: 'tags',
};

/** Customers have been released before there were standard fields. */
const records = recordContracts(platformContract()).filter(({ type }) => type !== 'rapport/Customer');
const fields = records.flatMap(({ message }) => message.fields);

test('these types are records', () => {
  const types = [
    ...['Article', 'ArticleSection', 'Assignment', 'AssignmentRule', 'Calendar', 'Call'],
    ...['CustomObject', 'Deal', 'Email', 'ExchangeRate', 'ForecastSubmission', 'Lead'],
    ...['Macro', 'Meeting', 'Message', 'MessageEvent', 'Note', 'ObjectRecord', 'Pipeline'],
    ...['Price', 'PriceBook', 'Product', 'Queue', 'Quota', 'Quote'],
    ...['Segment', 'SegmentMember'],
    ...[
      'SlaPolicy',
      'SlaTimer',
      'StageEntry',
      'Survey',
      'SurveyResponse',
      'Task',
      'Template',
      'Ticket',
      'TicketEntry',
      'TicketStatus',
      'Touchpoint',
      'Topic',
      'Campaign',
      'CampaignRecipient',
    ],
    ...['Form', 'FormSubmission'],
  ];
  expect(records.map(({ type }) => type).toSorted()).toEqual(types.map((type) => `rapport/${type}`).toSorted());
});

test('standard fields have their numbers, and no other field has one of these', () => {
  const isStandard = ({ name, number }: DescField) => number >= 50 || Object.values(standard).includes(name);
  const wrong = fields.filter((field) => isStandard(field) && standard[field.number] !== field.name);

  expect(wrong.map(String)).toEqual([]);
});

test.each(Object.values(standard))('%s has the same type and options in all records', (name) => {
  const forms = fields.filter((field) => field.name === name).map((field) => formOf(field));

  expect(forms).toEqual(forms.map(() => forms[0]));
  expect(forms.length).toBeGreaterThan(0);
});

test('records have the standard fields that their options require', () => {
  const named = (message: (typeof records)[number]['message']) => message.fields.map(({ name }) => name);
  const owned = records.filter(({ options }) => options.owned);

  for (const { message } of owned)
    expect(named(message)).toEqual(expect.arrayContaining(['owner_id', 'owner_team_id']));
  expect(records.filter(({ message }) => named(message).includes('owner_id'))).toEqual(owned);
  expect(records.filter(({ message }) => named(message).includes('custom_fields'))).toEqual(
    records.filter(({ options }) => options.customFields),
  );
  for (const { message } of records.filter(({ options }) => !options.readOnly)) {
    const kept = ['etag', 'create_time', 'update_time', 'delete_time', 'created_by', 'updated_by'];
    expect(named(message)).toEqual(expect.arrayContaining(kept));
  }
});

/** A field without its comment. */
function formOf({ proto: { name, number, label, type, typeName, proto3Optional, options } }: DescField) {
  const bytes = options && Buffer.from(toBinary(FieldOptionsSchema, options)).toString('hex');
  return { name, number, label, type, typeName, proto3Optional, options: bytes };
}
