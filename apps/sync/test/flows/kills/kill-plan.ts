import { randomUUID } from 'node:crypto';
import { create } from '../engine/flow-engine.ts';

const dealId = `'${randomUUID()}'`;
const deal = { type: 'deal', id: dealId };

/** Steps of each kind with an effect, by their keys. */
function effectSteps(mappingId: string): object[] {
  return [
    { key: 'found', find: { type: 'deal', filter: `'title = "One"'` } },
    { key: 'renamed', update: { ...deal, fields: [{ field: 'title', value: `'One'` }] } },
    { key: 'deleted', delete: deal },
    { key: 'matched', upsert: { type: 'deal', system: 'erp', value: `'d-1'`, fields: [] } },
    {
      key: 'linked',
      link: { fromType: 'deal', fromId: dealId, toType: 'deal', toId: dealId, associationType: 'next' },
    },
    { key: 'given', assign: { ...deal, byRules: true } },
    { key: 'moved', moveStage: { dealId, stage: 'won' } },
    { key: 'task', addTask: { subject: `'Call'` } },
    { key: 'note', addNote: { text: `'Called'` } },
    { key: 'answered', reply: { ticketId: dealId, text: `'It is fixed.'` } },
    { key: 'sent', send: { to: [`'ada@example.net'`], subject: `'Hello'`, text: `'Hello.'` } },
    { key: 'posted', http: { url: `'https://erp.example.com'` } },
    { key: 'computed', transform: { expression: '1 + 1', input: '{}' } },
    { key: 'pulled', connector: { mappingId } },
  ];
}

/** Each in a branch of its own, so that they are performed at the same time. A fork has at most 10 branches. */
function forks(steps: readonly object[]): object[] {
  const lists = [steps.slice(0, 7), steps.slice(7)];
  return lists.map((list, fork) => ({
    key: `kinds${fork}`,
    fork: { branches: list.map((step, index) => ({ key: `branch${index}`, steps: [step] })) },
  }));
}

export const child = { steps: [create('inner')], trigger: { subflow: {} } };

/** Steps of every kind. */
export function everyKind(mappingId: string): object[] {
  return [
    { key: 'set', set: { variables: [{ name: 'x', value: '1' }] } },
    { key: 'choice', switch: { cases: [{ condition: 'vars.x == 1', steps: [create('chosen')] }] } },
    { key: 'each', for: { in: '[1, 2]', steps: [create('item')] } },
    ...forks(effectSteps(mappingId)),
    {
      key: 'any',
      fork: {
        mode: 'ANY',
        branches: [
          { key: 'wins', steps: [{ key: 'soon', wait: { until: "now + duration('0.02s')" } }, create('won')] },
          {
            key: 'loses',
            steps: [{ key: 'late', wait: { seconds: 86_400, calendarId: randomUUID() } }, create('lost')],
          },
        ],
      },
    },
    {
      key: 'tried',
      try: { steps: [{ key: 'raised', raise: { code: 'RAISED' } }], catch: [create('caught')] },
    },
    { key: 'retried', try: { steps: [create('fails')], retry: { maxAttempts: 1 }, catch: [] } },
    { key: 'group', do: { steps: [{ key: 'heard', listen: { events: [{ key: 'paid', signal: 'paid' }] } }] } },
    { key: 'asked', approve: { question: "'Go on?'", approverIds: [randomUUID()] } },
    { key: 'called', run: { flow: 'child', waits: true } },
    { key: 'once', http: { url: "'https://erp.example.com'", isUnrepeatable: true } },
    create('last'),
  ];
}

/** Keys of the steps whose effects a run has: each once. The unrepeatable request and the exchange are counted apart. */
export const effects = [
  ...['answered', 'caught', 'chosen', 'computed', 'deleted', 'found', 'given', 'item', 'item', 'last', 'linked'],
  ...['matched', 'moved', 'note', 'posted', 'renamed', 'sent', 'task', 'won'],
];

/** Fails at its end, and is undone. */
export const undoneSteps = [
  create('first'),
  {
    key: 'all',
    fork: {
      branches: [
        { key: 'a', steps: [create('a')] },
        { key: 'b', steps: [{ key: 'soon', wait: { until: "now + duration('0.02s')" } }, create('b')] },
      ],
    },
  },
  { key: 'each', for: { in: '[1, 2]', steps: [create('item')] } },
  create('fails'),
];
