const mappingId = '019ab2f4-0000-7000-8000-000000000001';
const call = { http: { url: "'https://erp.example/'" } };
const subject = [{ field: 'subject', value: "'Call'" }];

/** A definition with each kind of step, whose mapping no tenant has. */
export const flowOfEachStep = {
  trigger: { record: { type: 'deal', operations: ['UPDATE'], changedFields: ['stage'], filter: 'status = OPEN' } },
  condition: 'record.probability > 5',
  concurrency: { policy: 'SKIP', key: 'record.id' },
  limits: { runsPerRecord: 1, perSeconds: 60 },
  onFailure: 'COMPENSATE',
  followsItself: true,
  steps: [
    { key: 'set', name: 'Keep', condition: 'true', set: { variables: [{ name: 'a', value: '1' }] } },
    {
      key: 'choose',
      switch: {
        cases: [
          {
            condition: 'vars.a > 1',
            steps: [{ key: 'rest', do: { steps: [{ key: 'pause', wait: { seconds: 5 } }] } }],
          },
        ],
        otherwise: [{ key: 'fail', raise: { code: 'X', message: "'no'" } }],
      },
    },
    { key: 'loop', for: { in: '[1]', limit: 5, steps: [{ key: 'sub', run: { flow: 'child', waits: true } }] } },
    {
      key: 'both',
      fork: {
        mode: 'ALL',
        branches: [
          { key: 'one', steps: [{ key: 'first', ...call }] },
          { key: 'two', steps: [{ key: 'second', connector: { mappingId } }] },
        ],
      },
    },
    {
      key: 'attempt',
      try: {
        steps: [{ key: 'find', find: { type: 'task', filter: "'status = OPEN'", limit: 5 } }],
        retry: { maxAttempts: 4, delaySeconds: 3 },
        catch: [{ key: 'note', addNote: { text: 'error.message' } }],
      },
    },
    { key: 'create', create: { type: 'task', fields: subject } },
    { key: 'update', update: { type: 'deal', id: 'record.id', fields: [{ field: 'title', value: "'Call'" }] } },
    { key: 'upsert', upsert: { type: 'task', system: 'erp', value: 'record.id', fields: subject } },
    { key: 'remove', delete: { type: 'task', id: 'steps.create.id' } },
    {
      key: 'link',
      link: { fromType: 'deal', fromId: 'record.id', toType: 'task', toId: 'steps.create.id', associationType: 'has' },
    },
    { key: 'assign', assign: { type: 'deal', id: 'record.id', byRules: true } },
    { key: 'move', moveStage: { stage: 'won' } },
    { key: 'task', addTask: { subject: "'Call'", dueInSeconds: 60 } },
    { key: 'answer', reply: { ticketId: "'019ab2f4-0000-7000-8000-000000000002'", text: "'Done'" } },
    { key: 'mail', send: { to: ["'ada@example.com'"], subject: "'Hello'", text: "'Hello'" } },
    {
      key: 'listen',
      listen: { events: [{ key: 'paid', signal: 'paid', correlation: 'record.id' }], timeoutSeconds: 90 },
    },
    { key: 'ask', approve: { question: "'Agreed?'", approverIds: [mappingId], quorum: 1 } },
    { key: 'shape', transform: { expression: '$sum(a)', input: 'vars' } },
  ],
};
