import type { TemplateJson } from './template-json.js';

const day = 86_400;

/** The next birthday after `now`, as a date. February 29 is February 28 in all years. */
const nextBirthday = `(
  $day := $substring(birthDate, 4);
  $day := $day = "-02-29" ? "-02-28" : $day;
  $year := $number($substring(now, 0, 4));
  $next := $string($year) & $day;
  $next > $substring(now, 0, 10) ? $next : $string($year + 1) & $day
)`;

/** Templates about leads and customers. */
export const customerTemplates: readonly TemplateJson[] = [
  {
    key: 'welcome_lead',
    name: 'Welcome task for new leads',
    description: 'Creates a task for the owner of each new lead, due within a day.',
    definition: {
      trigger: { record: { type: 'lead', operations: ['CREATE'] } },
      steps: [
        {
          key: 'call',
          addTask: {
            subject: "'Welcome the new lead' + (has(record.company) ? ' of ' + record.company : '')",
            dueInSeconds: day,
          },
        },
      ],
    },
  },
  {
    key: 'duplicate_review',
    name: 'Review of possible duplicates',
    description: 'Creates a task when a new customer has the name of another one.',
    definition: {
      trigger: { record: { type: 'customer', operations: ['CREATE'] } },
      condition: String.raw`has(record.displayName) && !record.displayName.contains('"') && !record.displayName.contains('\\')`,
      steps: [
        {
          key: 'same_name',
          find: { type: 'customer', filter: `'displayName = "' + record.displayName + '"'`, limit: 5 },
        },
        {
          key: 'review',
          condition: 'steps.same_name.count > 1',
          addTask: { subject: "'Is it a duplicate? ' + record.displayName", dueInSeconds: 2 * day },
        },
      ],
    },
  },
  {
    key: 'birthday',
    name: 'Birthday task',
    description: 'Creates a task on each birthday of a person, for four years after the birth date was last changed.',
    definition: {
      trigger: { record: { type: 'customer', operations: ['CREATE', 'UPDATE'], changedFields: ['birthDate'] } },
      condition: 'has(record.birthDate)',
      concurrency: { policy: 'REPLACE' },
      limits: { maxAgeSeconds: 1_825 * day },
      steps: [
        {
          key: 'years',
          for: {
            in: '[1, 2, 3, 4]',
            steps: [
              {
                key: 'next_birthday',
                transform: {
                  input: "{'birthDate': record.birthDate, 'now': string(now)}",
                  expression: nextBirthday,
                },
              },
              { key: 'until_then', wait: { until: "steps.next_birthday.value + 'T08:00:00Z'" } },
              {
                key: 'congratulate',
                addTask: { subject: "'Birthday: ' + (has(record.displayName) ? record.displayName : record.id)" },
              },
            ],
          },
        },
      ],
    },
  },
  {
    key: 'data_quality',
    name: 'Data quality of new people',
    description: 'Creates a task when a new person has neither an e-mail address nor a phone number.',
    definition: {
      trigger: { record: { type: 'customer', operations: ['CREATE'] } },
      condition: "record.kind == 'PERSON' && size(record.emails) == 0 && size(record.phones) == 0",
      steps: [
        {
          key: 'complete',
          addTask: {
            subject: "'Add contact data of ' + (has(record.displayName) ? record.displayName : record.id)",
            dueInSeconds: 7 * day,
          },
        },
      ],
    },
  },
];
