import { validate } from '@serverlessworkflow/sdk';
import { expect, test } from 'vitest';
import { drawsOf, RandomFlows } from '../../../../test/flows/engine/random-flow.js';
import { pointerOf } from '../checks/faults.js';
import { definitionChecksum, definitionJson, readDefinition } from '../definition-json.js';
import { flowTemplates } from '../templates/flow-templates.js';
import { flowOfDocument } from './check-document.js';
import { readDsl } from './read-dsl.js';
import { writeDsl } from './write-dsl.js';

type Definition = ReturnType<typeof readDefinition>;

function faultsOfSchema(document: unknown): unknown {
  try {
    validate('Workflow', document);
    return null;
  } catch (error) {
    return error;
  }
}

function documentOf(definition: Definition, key = 'large_deals') {
  const written = writeDsl({
    key,
    name: 'Large deals',
    description: 'Why',
    version: 3,
    definition: definitionJson(definition),
  });
  return JSON.parse(JSON.stringify(written)) as Record<string, never>;
}

function expectEqualAfterwards(definition: Definition, key?: string): void {
  const document = documentOf(definition, key);
  expect(faultsOfSchema(document)).toBeNull();
  const { flow, faults } = readDsl(document);
  expect(faults.map((fault) => `${pointerOf(fault)} ${fault.description}`)).toEqual([]);
  expect(flow).toMatchObject({ key: key ?? 'large_deals', name: 'Large deals', description: 'Why' });
  const read = readDefinition(flow.definition);
  expect(definitionJson(read)).toEqual(definitionJson(definition));
  expect(definitionChecksum(read)).toBe(definitionChecksum(definition));
}

const send = { key: 'send', http: { url: "'https://erp.example/'" } };

/** Each kind of step, and each form of a step that its task says in another way. */
const steps = [
  {
    key: 'set',
    name: 'Keep',
    condition: 'true',
    set: {
      variables: [
        { name: 'a', value: ' 1' },
        { name: 'b', value: 'vars.a' },
      ],
    },
  },
  {
    key: 'twice',
    set: {
      variables: [
        { name: 'a', value: '1' },
        { name: 'a', value: '2' },
      ],
    },
  },
  {
    key: 'choose',
    switch: {
      cases: [
        {
          condition: 'vars.a > 1',
          steps: [{ key: 'do', do: { steps: [{ key: 'raise', raise: { code: 'X', message: "'no'" } }] } }],
        },
        { condition: 'vars.a > 2', steps: [] },
      ],
      otherwise: [{ key: 'fail', raise: { code: 'Y' } }],
    },
  },
  {
    key: 'only',
    switch: {
      cases: [
        {
          condition: 'true',
          steps: [{ key: 'exit', run: { flow: 'sub_flow', inputs: [{ name: 'n', value: '1' }], waits: true } }],
        },
      ],
    },
  },
  { key: 'loop', for: { in: '[1]', limit: 5, steps: [{ key: 'sub', run: { flow: 'odd_' } }] } },
  {
    key: 'all',
    fork: {
      mode: 'ALL',
      branches: [
        { key: 'one', steps: [send] },
        { key: 'two', steps: [{ ...send, key: 'b' }] },
      ],
    },
  },
  { key: 'any', fork: { mode: 'ANY', branches: [{ key: 'one', steps: [{ ...send, key: 'c' }] }] } },
  {
    key: 'try',
    try: {
      steps: [{ key: 'find', find: { type: 'deal', filter: "'status = OPEN'", orderBy: 'title', limit: 5 } }],
      retry: { maxAttempts: 4, delaySeconds: 3, maxDelaySeconds: 60 },
      catch: [{ key: 'note', addNote: { text: 'error.message' } }],
    },
  },
  { key: 'plain', try: { steps: [{ key: 'gone', delete: { type: 'deal', id: 'record.id' } }] } },
  {
    key: 'put',
    http: {
      ...{ method: 'PUT', url: "'https://erp.example/' + record.id", body: "{'id': record.id}", secretName: 'erp' },
      headers: [{ name: 'x-kind', value: "'deal'" }],
      ...{ expectedStatuses: [200, 404], isUnrepeatable: true, timeoutSeconds: 20 },
    },
  },
  { key: 'lines', http: { url: "'https://erp.example/'\n + record.id" } },
  { key: 'pause', wait: { seconds: 60, calendarId: '019ab2f4-0000-7000-8000-000000000001' } },
  { key: 'until', wait: { until: 'timestamp(record.closeDate)' } },
  {
    key: 'listen',
    listen: {
      events: [
        { key: 'won', type: 'deal', recordId: 'record.id', match: "record.stage == 'won'" },
        { key: 'own', type: 'objectRecord/contract', recordId: 'record.id' },
        { key: 'paid', signal: 'paid', correlation: 'record.id' },
      ],
      ...{ since: 'STEP_START', timeoutSeconds: 90, failsOnTimeout: true },
    },
  },
  { key: 'ask', approve: { question: "'Agreed?'", approverIds: ['019ab2f4-0000-7000-8000-000000000001'], quorum: 1 } },
  { key: 'assign', assign: { type: 'deal', id: 'record.id', byRules: true } },
  { key: 'shape', transform: { expression: '$sum(a)', input: 'vars' } },
];

const rules = {
  trigger: { record: { type: 'deal', operations: ['UPDATE'], changedFields: ['stage'], filter: 'status = OPEN' } },
  ...{
    condition: 'record.probability > 5',
    concurrency: { policy: 'SKIP', key: 'record.id' },
    onFailure: 'COMPENSATE',
  },
  ...{
    limits: { runsPerRecord: 1, perSeconds: 60 },
    followsItself: true,
    kind: 'JOURNEY',
    enrollment: { goal: 'tags:x' },
  },
};

test('a flow with each kind of step is a document by the schema of the DSL, and the same flow again', () => {
  expectEqualAfterwards(readDefinition({ ...rules, steps }));
  expectEqualAfterwards(
    readDefinition({ trigger: { schedule: { rule: 'FREQ=DAILY', zone: 'UTC' } }, steps: [send] }),
    'odd_',
  );
});

test('templates and random flows are the same again', () => {
  for (const { definition, key } of flowTemplates) expectEqualAfterwards(definition!, key);
  for (let seed = 1; seed <= 40; seed += 1) {
    const { definition } = new RandomFlows(drawsOf(seed)).next();
    expectEqualAfterwards(readDefinition({ trigger: { manual: {} }, ...definition }));
  }
});

const head = {
  document: { dsl: '1.0.0', namespace: 'acme', name: 'hello-world', version: '1.0.0' },
  evaluate: { language: 'cel' },
};

test('a document of another author is a flow, with its literal values as expressions', () => {
  const tasks = [
    { greet: { set: { text: "it's", count: 2, list: [1, null], both: '${ vars.count + 1 }' } } },
    { call: { call: 'http', with: { method: 'GET', endpoint: 'https://a.example/', output: 'response' } } },
    { pause: { wait: { minutes: 2, seconds: 1 }, metadata: { author: 'Ada' } } },
  ];
  const { flow, faults } = readDsl({ ...head, do: tasks });
  expect(faults).toEqual([]);
  expect(flow).toEqual({
    ...{ key: 'hello_world', name: 'hello-world' },
    definition: {
      trigger: { manual: {} },
      steps: [
        {
          key: 'greet',
          set: {
            variables: [
              { name: 'text', value: `"it's"` },
              { name: 'count', value: '2' },
              { name: 'list', value: '[1,null]' },
              { name: 'both', value: 'vars.count + 1' },
            ],
          },
        },
        { key: 'call', http: { method: 'GET', url: '"https://a.example/"', headers: [] } },
        { key: 'pause', wait: { seconds: 121 } },
      ],
    },
  });
});

test.each<[string, unknown, string]>([
  ['no object', [], ' WRONG_TYPE'],
  ['another language', { ...head, evaluate: {}, do: [] }, '/evaluate/language NOT_ALLOWED'],
  ['another version', { ...head, document: { ...head.document, dsl: '0.9.0' }, do: [] }, '/document/dsl NOT_ALLOWED'],
  ['a schedule', { ...head, schedule: { cron: '0 0 * * *' }, do: [] }, '/schedule NOT_ALLOWED'],
  ['no tasks', head, '/do WRONG_TYPE'],
  ['two names', { ...head, do: [{ a: { do: [] }, b: { do: [] } }] }, '/do/0 ONE_REQUIRED'],
  ['an unknown task', { ...head, do: [{ a: { emit: {} } }] }, '/do/0/a NOT_ALLOWED'],
  ['an unknown function', { ...head, do: [{ a: { call: 'openapi', with: {} } }] }, '/do/0/a/call NOT_ALLOWED'],
  ['a jump', { ...head, do: [{ a: { wait: { seconds: 1 }, then: 'end' } }] }, '/do/0/a/then NOT_ALLOWED'],
  ['a bare switch', { ...head, do: [{ a: { switch: [{ one: { then: 'end' } }] } }] }, '/do/0/a/switch NOT_ALLOWED'],
  ['milliseconds', { ...head, do: [{ a: { wait: { milliseconds: 5 } } }] }, '/do/0/a/wait/milliseconds NOT_ALLOWED'],
  ['a part of a text', { ...head, do: [{ a: { set: { x: 'a ${ 1 }' } } }] }, '/do/0/a/set/x NOT_ALLOWED'],
  ['a filter', { ...head, do: [{ a: { try: [], catch: { when: 'x' } } }] }, '/do/0/a/catch/when NOT_ALLOWED'],
])('a document with %s is refused at its place', (_, document, expected) => {
  expect(readDsl(document).faults.map((fault) => `${pointerOf(fault)} ${fault.reason}`)).toContain(expected);
});

test.each<[string, object, string, string]>([
  ['a value of another type', { addTask: { subject: 5 } }, 'flow.definition.steps[0].addTask.subject', 'WRONG_TYPE'],
  [
    'an unknown field',
    { addTask: { subject: "'x'", topic: "'x'" } },
    'flow.definition.steps[0].addTask.topic',
    'UNKNOWN_FIELD',
  ],
  ['a missing field', { addTask: {} }, 'flow.definition.steps[0].addTask.subject', 'REQUIRED'],
  [
    'a broken character',
    { addTask: { subject: "'\u0000'" } },
    'flow.definition.steps[0].addTask.subject',
    'BAD_CHARACTERS',
  ],
])('a step with %s is refused by the contract', (_, step, field, reason) => {
  const [[kind, content] = []] = Object.entries(step);
  const document = { ...head, do: [{ one: { call: `rapport.${kind}`, with: content as object } }] };
  expect(() => flowOfDocument(document, 'key')).toThrow(
    expect.objectContaining({ violations: [expect.objectContaining({ field, reason })] }),
  );
});
