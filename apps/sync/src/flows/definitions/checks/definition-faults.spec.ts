import { expect, test } from 'vitest';
import { readDefinition } from '../definition-json.js';
import { definitionFaults } from './definition-checks.js';
import { pointerOf } from './faults.js';
import type { TenantType } from './tenant-fields.js';

const dealTrigger = { record: { type: 'deal' } };

const tenant = new Map<string, TenantType>([
  ['deal', [{ key: 'seats', type: 'NUMBER' }]],
  ['task', []],
  ['objectRecord/contract', [{ key: 'renewal', type: 'DATE' }]],
]);

function faultsOf(steps: object[], more: object = {}): string[] {
  const definition = readDefinition({ trigger: dealTrigger, steps, ...more });
  return definitionFaults(definition, tenant).map((fault) => `${pointerOf(fault)} ${fault.reason}`);
}

const note = { key: 'note', addNote: { text: 'record.title' } };

test.each<[string, object[], object?]>([
  ['outputs of steps before', [note, { key: 'b', condition: 'steps.note.id != ""', do: { steps: [] } }]],
  [
    'variables one after the other',
    [
      {
        key: 's',
        set: {
          variables: [
            { name: 'a', value: '1' },
            { name: 'b', value: 'vars.a' },
          ],
        },
      },
    ],
  ],
  [
    'item and index in a loop',
    [
      {
        key: 'l',
        for: { in: 'record.tags', steps: [{ ...note, addNote: { text: 'string(item) + string(index + 1)' } }] },
      },
    ],
  ],
  [
    'the error in a catch',
    [{ key: 't', try: { steps: [note], catch: [{ key: 'c', addNote: { text: 'error.code + error.step' } }] } }],
  ],
  [
    'outputs of all branches after a fork',
    [
      {
        key: 'f',
        fork: {
          branches: [
            { key: 'a', steps: [note] },
            { key: 'b', steps: [] },
          ],
        },
      },
      { key: 'x', condition: 'has(steps.note.id)', addNote: { text: '""' } },
    ],
  ],
  [
    'custom fields',
    [
      {
        key: 'u',
        update: {
          type: 'deal',
          id: 'record.id',
          fields: [{ field: 'customFields.seats', value: 'record.customFields.seats + 1.0' }],
        },
      },
    ],
  ],
  [
    'null clears a field',
    [{ key: 'u', update: { type: 'deal', id: 'record.id', fields: [{ field: 'lostReason', value: 'null' }] } }],
  ],
  ['records of custom objects', [{ key: 'f', find: { type: 'objectRecord/contract', filter: '"name = x"' } }]],
  [
    'an event that changes another record',
    [{ key: 'l', listen: { events: [{ key: 'e', type: 'task', match: 'record.status == "DONE"' }] } }],
  ],
  [
    'inputs with their types',
    [note],
    {
      trigger: { manual: { type: 'deal', inputs: [{ key: 'limit', type: 'NUMBER' }] } },
      condition: 'input.limit > 5.0',
    },
  ],
  [
    'a schedule',
    [{ key: 'r', raise: { code: 'NO' } }],
    { trigger: { schedule: { rule: 'FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0', zone: 'Europe/Berlin' } } },
  ],
  ['a time of a record', [note], { trigger: { timeField: { type: 'deal', field: 'closeDate', at: '09:00' } } }],
  [
    'a time in a custom field',
    [{ key: 'r', raise: { code: 'NO' } }],
    { trigger: { timeField: { type: 'objectRecord/contract', field: 'customFields.renewal' } } },
  ],
])('accepts %s', (_, steps, more) => {
  expect(faultsOf(steps, more)).toEqual([]);
});

test.each<[string, object[], string[]]>([
  ['a step without a kind', [{ key: 'a' }], ['/steps/0 ONE_REQUIRED']],
  ['a step of two kinds', [{ ...note, do: { steps: [] } }], ['/steps/0 ONE_REQUIRED']],
  ['a key twice, at any level', [note, { key: 'd', do: { steps: [note] } }], ['/steps/1/do/steps/0/key DUPLICATE']],
  [
    'outputs of later steps',
    [
      { ...note, condition: 'steps.later.ok' },
      { key: 'later', do: { steps: [] } },
    ],
    ['/steps/0/condition BAD_EXPRESSION'],
  ],
  [
    'outputs of another branch',
    [
      {
        key: 's',
        switch: {
          cases: [{ condition: 'true', steps: [note] }],
          otherwise: [{ key: 'x', addNote: { text: 'steps.note.id' } }],
        },
      },
    ],
    ['/steps/0/switch/otherwise/0/addNote/text BAD_EXPRESSION'],
  ],
  [
    'a reply with a text and a template',
    [{ key: 'x', reply: { text: "'Hi'", templateId: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a18' } }],
    ['/steps/0/reply ONE_REQUIRED'],
  ],
  [
    'a message of values that are no texts',
    [{ key: 'x', send: { to: ["'a@example.com'", '1'], subject: "'Hi'", text: 'true' } }],
    ['/steps/0/send/to/1 BAD_EXPRESSION', '/steps/0/send/text BAD_EXPRESSION'],
  ],
  ['item outside of a loop', [{ key: 'x', addNote: { text: 'item.id' } }], ['/steps/0/addNote/text BAD_EXPRESSION']],
  [
    'variables before they are computed',
    [
      {
        key: 's',
        set: {
          variables: [
            { name: 'a', value: 'vars.b' },
            { name: 'b', value: '1' },
          ],
        },
      },
    ],
    ['/steps/0/set/variables/0/value BAD_EXPRESSION'],
  ],
  [
    'a loop over a text',
    [{ key: 'l', for: { in: 'record.title', steps: [note] } }],
    ['/steps/0/for/in BAD_EXPRESSION'],
  ],
  [
    'a number as a text',
    [{ key: 'x', addTask: { subject: 'record.probability' } }],
    ['/steps/0/addTask/subject BAD_EXPRESSION'],
  ],
  [
    'a type that does not exist',
    [{ key: 'f', find: { type: 'deel', filter: '""' } }],
    ['/steps/0/find/type RECORD_TYPE_UNKNOWN'],
  ],
  [
    'a type that is read only',
    [{ key: 'c', create: { type: 'stageEntry', fields: [] } }],
    ['/steps/0/create/type NOT_WRITABLE'],
  ],
  [
    'a field that does not exist',
    [{ key: 'u', update: { type: 'deal', id: 'record.id', fields: [{ field: 'titel', value: '""' }] } }],
    ['/steps/0/update/fields/0/field UNKNOWN_FIELD'],
  ],
  [
    'a custom field that does not exist',
    [{ key: 'u', update: { type: 'deal', id: 'record.id', fields: [{ field: 'customFields.chairs', value: '""' }] } }],
    ['/steps/0/update/fields/0/field UNKNOWN_FIELD'],
  ],
  [
    'a field of the server',
    [{ key: 'u', update: { type: 'deal', id: 'record.id', fields: [{ field: 'createTime', value: '""' }] } }],
    ['/steps/0/update/fields/0/field READ_ONLY_FIELD'],
  ],
  [
    'a field twice',
    [
      {
        key: 'u',
        update: {
          type: 'deal',
          id: 'record.id',
          fields: [
            { field: 'title', value: '""' },
            { field: 'title', value: '""' },
          ],
        },
      },
    ],
    ['/steps/0/update/fields/1/field DUPLICATE'],
  ],
  [
    'a new record without what it needs',
    [{ key: 'c', create: { type: 'task', fields: [{ field: 'description', value: '""' }] } }],
    ['/steps/0/create/fields REQUIRED'],
  ],
  [
    'an event of any record of a custom object',
    [{ key: 'l', listen: { events: [{ key: 'e', type: 'objectRecord/machine' }] } }],
    ['/steps/0/listen/events/0/recordId REQUIRED'],
  ],
  ['a wait for nothing', [{ key: 'w', wait: {} }], ['/steps/0/wait ONE_REQUIRED']],
  [
    'a body of GET',
    [{ key: 'h', http: { method: 'GET', url: '"https://a"', body: '{}' } }],
    ['/steps/0/http/body NOT_ALLOWED'],
  ],
  [
    'headers of the service',
    [{ key: 'h', http: { url: '"https://a"', headers: [{ name: 'Idempotency-Key', value: '"x"' }] } }],
    ['/steps/0/http/headers/0/name NOT_ALLOWED'],
  ],
  [
    'a match that reads steps',
    [note, { key: 'l', listen: { events: [{ key: 'e', type: 'task', match: 'steps.note.id == ""' }] } }],
    ['/steps/1/listen/events/0/match BAD_EXPRESSION'],
  ],
  [
    'a quorum that is never reached',
    [{ key: 'a', approve: { question: '"?"', approverIds: ['a'], quorum: 2 } }],
    ['/steps/0/approve/quorum TOO_LARGE'],
  ],
  [
    'text that is no JSONata',
    [{ key: 't', transform: { expression: '$sum(', input: 'record' } }],
    ['/steps/0/transform/expression BAD_EXPRESSION'],
  ],
])('refuses %s', (_, steps, faults) => {
  expect(faultsOf(steps)).toEqual(faults);
});

test.each<[string, object, string[]]>([
  ['no trigger', {}, ['/trigger ONE_REQUIRED']],
  ['two triggers', { manual: {}, subflow: {} }, ['/trigger ONE_REQUIRED']],
  [
    'a field that does not exist',
    { record: { type: 'deal', changedFields: ['titel'] } },
    ['/trigger/record/changedFields/0 UNKNOWN_FIELD'],
  ],
  [
    'a field that has no time',
    { timeField: { type: 'deal', field: 'title' } },
    ['/trigger/timeField/field ORDER_NOT_INDEXED'],
  ],
  [
    'a zone that does not exist',
    { schedule: { rule: 'FREQ=DAILY', zone: 'Mars/Base' } },
    ['/trigger/schedule/zone TIME_ZONE_UNKNOWN'],
  ],
  [
    'a rule without a frequency',
    { schedule: { rule: 'EVERY=DAY', zone: 'UTC' } },
    ['/trigger/schedule/rule UNSUPPORTED_FREQUENCY'],
  ],
  [
    'an input twice',
    {
      manual: {
        inputs: [
          { key: 'a', type: 'TEXT' },
          { key: 'a', type: 'TEXT' },
        ],
      },
    },
    ['/trigger/manual/inputs/1/key DUPLICATE'],
  ],
])('refuses a trigger with %s', (_, trigger, faults) => {
  expect(faultsOf([note], { trigger }).filter((fault) => fault.startsWith('/trigger'))).toEqual(faults);
});

test('a note needs a record, and a definition has at most 100 steps', () => {
  expect(faultsOf([note], { trigger: { manual: {} } })).toContain('/steps/0/addNote NOT_ALLOWED');
  const many = Array.from({ length: 101 }, (_, index) => ({ key: `step_${index}`, do: { steps: [] } }));
  expect(faultsOf(many)).toContain('/steps TOO_MANY_ITEMS');
});

test('a custom object exists', () => {
  const trigger = { record: { type: 'objectRecord/gone' } };
  const steps = [{ key: 'r', raise: { code: 'NO' } }];

  const faults = definitionFaults(readDefinition({ trigger, steps }), new Map([['objectRecord/gone', 'MISSING']]));
  expect(faults).toMatchObject([{ reason: 'RECORD_TYPE_UNKNOWN' }]);
});

test('an assignment names a user, or leaves the choice to rules of a type that has some', () => {
  const assign = (more: object) => faultsOf([{ key: 'x', assign: { id: 'record.id', ...more } }]);
  expect(assign({ type: 'deal' })).toEqual(['/steps/0/assign ONE_REQUIRED']);
  expect(assign({ type: 'objectRecord/contract', byRules: true })).toEqual(['/steps/0/assign/type NOT_ALLOWED']);
});
