import type { TemplateJson } from './template-json.js';

const day = 86_400;

/** Stands for a user of the workspace. */
const someUser = '00000000-0000-0000-0000-000000000000';

/** Templates about deals and quotes. */
export const dealTemplates: readonly TemplateJson[] = [
  {
    key: 'rotting_deal',
    name: 'Reminder of rotting deals',
    description: 'Creates a task for the owner when an open deal has been in its stage for too long.',
    definition: {
      trigger: { timeField: { type: 'deal', field: 'rotTime', offsetSeconds: 0, filter: 'status = OPEN' } },
      steps: [{ key: 'remind', addTask: { subject: "'Nothing has happened: ' + record.title", dueInSeconds: day } }],
    },
  },
  {
    key: 'quote_follow_up',
    name: 'Follow-up of quotes',
    description: 'Creates a task when a quote was sent and not answered within seven days.',
    definition: {
      trigger: { record: { type: 'quote', operations: ['UPDATE'], changedFields: ['state'], filter: 'state = SENT' } },
      steps: [
        {
          key: 'answer',
          listen: {
            events: [{ key: 'answered', type: 'quote', recordId: 'record.id', match: "record.state != 'SENT'" }],
            timeoutSeconds: 7 * day,
          },
        },
        {
          key: 'follow_up',
          condition: "steps.answer.event == 'timeout'",
          addTask: { subject: "'Ask about the quote ' + record.title", dueInSeconds: day },
        },
      ],
    },
  },
  {
    key: 'lost_deal_review',
    name: 'Review of lost deals',
    description: 'Creates a task to review each lost deal, with the reason in its title.',
    definition: {
      trigger: { record: { type: 'deal', operations: ['UPDATE'], changedFields: ['status'], filter: 'status = LOST' } },
      steps: [
        {
          key: 'review',
          addTask: {
            subject: "'Review: ' + record.title + (has(record.lostReason) ? ' (' + record.lostReason + ')' : '')",
            dueInSeconds: 3 * day,
          },
        },
      ],
    },
  },
  {
    key: 'stage_tasks',
    name: 'Tasks by stage',
    description: 'Creates the task that belongs to the stage which a deal enters.',
    definition: {
      trigger: { record: { type: 'deal', operations: ['UPDATE'], changedFields: ['stage'], filter: 'status = OPEN' } },
      steps: [
        {
          key: 'by_stage',
          switch: {
            cases: [
              {
                condition: "record.stage == 'proposal'",
                steps: [
                  { key: 'offer', addTask: { subject: "'Write the offer: ' + record.title", dueInSeconds: 2 * day } },
                ],
              },
              {
                condition: "record.stage == 'negotiation'",
                steps: [
                  {
                    key: 'terms',
                    addTask: { subject: "'Agree on the terms: ' + record.title", dueInSeconds: 5 * day },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
  },
  {
    key: 'accounting_webhook',
    name: 'Won deals to accounting',
    description: 'Sends each won deal to an accounting system, with the secret accounting_token.',
    definition: {
      trigger: { record: { type: 'deal', operations: ['UPDATE'], changedFields: ['status'], filter: 'status = WON' } },
      steps: [
        {
          key: 'send',
          try: {
            steps: [
              {
                key: 'invoice',
                http: {
                  method: 'POST',
                  url: "'https://accounting.example.com/invoices'",
                  secretName: 'accounting_token',
                  body: "{'deal': record.id, 'title': record.title, 'amount': has(record.amount) ? record.amount.amount : '0'}",
                },
              },
            ],
            retry: { maxAttempts: 8, delaySeconds: 60 },
            catch: [
              {
                key: 'tell_owner',
                addTask: { subject: "'Not in accounting: ' + record.title + ', ' + error.code", dueInSeconds: day },
              },
            ],
          },
        },
      ],
    },
  },
  {
    key: 'amount_approval',
    name: 'Approval above an amount',
    description: 'Asks for an approval when the amount of a deal is set to more than 10,000, and notes the decision.',
    definition: {
      trigger: {
        record: { type: 'deal', operations: ['CREATE', 'UPDATE'], changedFields: ['amount'], filter: 'status = OPEN' },
      },
      condition: 'has(record.amount) && double(record.amount.amount) > 10000.0',
      concurrency: { policy: 'REPLACE' },
      steps: [
        {
          key: 'decide',
          approve: {
            question:
              "'Approve ' + record.title + ' for ' + record.amount.amount + ' ' + record.amount.currencyCode + '?'",
            approverIds: [someUser],
            dueInSeconds: 7 * day,
          },
        },
        {
          key: 'note',
          addNote: {
            text: "'Amount ' + record.amount.amount + ' ' + record.amount.currencyCode + ': ' + steps.decide.decision",
          },
        },
      ],
    },
  },
];
