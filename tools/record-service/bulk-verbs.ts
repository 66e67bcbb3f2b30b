import { Policy, TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import { itemExamples, parentFields, permissionTo, uniqueNames, writtenTags, type Declared } from './declared.ts';
import { requestFields as field } from './request-fields.ts';
import type { PrintedField, PrintedMessage, StandardMethod } from './standard-method.ts';

/** Methods that change many records. */
export const bulkVerbs = { batchCreate, batchUpdate, batchDelete, import: importRecords };

function batchCreate(declared: Declared): StandardMethod {
  const { names } = declared;
  const items = [field.record(names.type, names.field, 1, `The ${names.noun} to create.`)];
  const contention = uniqueNames(declared).length > 0 ? ' or takes a unique value' : '';
  return {
    ...batchMethod(declared, 'Create'),
    comment:
      `Creates up to 1,000 ${names.nouns} in one transaction, as Create${names.type} does in the order of the items. \`mode\` decides ` +
      `what a wrong item means for the others. ABORTED when a concurrent write holds a record${contention} (repeat the call).`,
    request: `BatchCreate${names.types}Request`,
    messages: [
      ...batchRequest(declared, 'Create', items, itemExamples(declared).create),
      ...batchResponse(declared, 'Create'),
    ],
  };
}

function batchUpdate(declared: Declared): StandardMethod {
  const { names } = declared;
  const items = [
    field.id(names.noun),
    field.record(names.type, names.field, 2, 'The new values.'),
    {
      comment: 'Names of the fields to change, in JSON spelling. One without a value is cleared.',
      declaration: 'repeated string update_mask = 3',
      isRequired: true,
    },
    field.etag(4),
  ];
  return {
    ...batchMethod(declared, 'Update'),
    comment:
      `Changes up to 1,000 ${names.nouns} in one transaction, as Update${names.type} does in the order of the items. Errors as for ` +
      `BatchCreate${names.types}.`,
    request: `BatchUpdate${names.types}Request`,
    messages: [
      ...batchRequest(declared, 'Update', items, itemExamples(declared).update),
      ...batchResponse(declared, 'Update'),
    ],
  };
}

function batchDelete(declared: Declared): StandardMethod {
  const { names } = declared;
  return {
    ...batchMethod(declared, 'Delete'),
    comment:
      `Deletes up to 1,000 ${names.nouns} softly in one transaction, as Delete${names.type} does in the order of the items. Errors as ` +
      `for BatchCreate${names.types}.`,
    request: 'rapport.api.v1.BatchDeleteRecordsRequest',
    messages: batchResponse(declared, 'Delete'),
  };
}

function importRecords({ record, names, ...declared }: Declared): StandardMethod {
  const known = uniqueNames({ record, names, ...declared });
  const met =
    known.length > 0
      ? `; without one, or when there is no such ${names.noun} (NOTICE ID_NOT_FOUND), the one that has a unique value of the row ` +
        `(${known.join(', then ')}); otherwise it creates one. A unique value of another ${names.noun} is left out with a WARNING; ` +
        'external ids that contradict each other refuse the row'
      : `, and creates one otherwise (NOTICE ID_NOT_FOUND when there is no such ${names.noun})`;
  return {
    name: `Import${names.types}`,
    comment:
      `Creates and updates ${names.nouns} from a file of up to 2 GiB and 300 columns: CSV (\`text/csv\`, first row the headers, cells ` +
      'divided by comma, semicolon or tab), NDJSON (`application/x-ndjson`) or a JSON array (`application/json`). A row updates ' +
      `the live ${names.noun} of its \`id\`${met}. Values of a row replace, lists are united, and an empty cell changes nothing. A wrong ` +
      'value is left out with a WARNING; a row that lacks a required field then is refused. A row that meets a record of an earlier ' +
      'row of the same file only adds what is missing there.\n\n' +
      'One transaction, which begins when the file has arrived: all rows are done or, on an error that is not of a row, none. ' +
      'Importing the same file again changes nothing. ABORTED when a concurrent write takes a unique value meanwhile (repeat the ' +
      'call), or when fewer than 1,024 bytes arrive in a minute (UPLOAD_TOO_SLOW); RESOURCE_EXHAUSTED while four imports of the ' +
      "tenant run, too many of other tenants, or the files of the tenant's imports take 4 GiB (IMPORT_QUOTA). For callers from " +
      `whom personal data is hidden, \`updated\` counts unchanged ${names.nouns} too.`,
    request: 'stream rapport.api.v1.ImportRecordsRequest',
    response: 'rapport.api.v1.ImportRecordsResponse',
    http: { verb: 'post', path: `/v1/${names.collection}:import`, body: 'file' },
    policy: Policy.fromPartial({
      permission: permissionTo(record, 'write'),
      idempotent: true,
      cost: 100,
      deadlineMs: 3_600_000,
      trafficClass: TrafficClass.BULK,
      invalidates: [names.field, ...writtenTags({ record, names, ...declared })],
    }),
    messages: [],
  };
}

type BatchVerb = 'Create' | 'Update' | 'Delete';

function batchMethod(declared: Declared, verb: BatchVerb) {
  const { record, names } = declared;
  return {
    name: `Batch${verb}${names.types}`,
    response: `Batch${verb}${names.types}Response`,
    http: { verb: 'post', path: `/v1/${names.collection}:batch${verb}`, body: 'batch' },
    policy: Policy.fromPartial({
      permission: permissionTo(record, 'write'),
      cost: 100,
      trafficClass: TrafficClass.BULK,
      invalidates: [`${names.field}:{results.${names.field}.id}`, ...writtenTags(declared)],
    }),
  } as const;
}

function batchRequest(
  declared: Declared,
  verb: 'Create' | 'Update',
  itemFields: readonly PrintedField[],
  example: string,
): PrintedMessage[] {
  const { names } = declared;
  const verbLower = verb.toLowerCase();
  return [
    {
      name: `Batch${verb}${names.types}Request`,
      comment: `Request of Batch${verb}${names.types}.`,
      fields: [
        field.record(`${verb}${names.types}Batch`, 'batch', 1, `What to ${verbLower}.`),
        field.requestId(2, `The Idempotency-Key of the whole batch, as in Create${names.type}.`),
        field.validateOnly(3),
        ...parentFields(declared),
      ],
    },
    {
      name: `${verb}${names.types}Batch`,
      comment: `${upperFirst(names.nouns)} to ${verbLower} together.`,
      fields: [
        {
          comment: 'The items. Items about one record behave as if done one after the other.',
          declaration: `repeated ${verb}${names.type}Item items = 1`,
          isRequired: true,
          rules: ['min_items: 1', 'max_items: 1000', 'checked_by_handler: true', `example: ${JSON.stringify(example)}`],
        },
        {
          comment: 'What a wrong item means for the others. ATOMIC when unset.',
          declaration: 'rapport.api.v1.BatchMode mode = 2',
        },
      ],
    },
    { name: `${verb}${names.type}Item`, comment: `One ${names.noun} to ${verbLower}.`, fields: itemFields },
  ];
}

function batchResponse({ names }: Declared, verb: BatchVerb): PrintedMessage[] {
  return [
    {
      name: `Batch${verb}${names.types}Response`,
      comment: `Response of Batch${verb}${names.types}.`,
      fields: [
        {
          comment: 'The result of each item, in the order of the items.',
          declaration: `repeated ${names.type}BatchResult results = 1`,
        },
      ],
    },
    {
      name: `${names.type}BatchResult`,
      comment: `The result of one item: either the ${names.noun} or a problem.`,
      fields: [
        { comment: `The ${names.noun} as the item left it.`, declaration: `optional ${names.type} ${names.field} = 1` },
        {
          comment: 'Why the item was not done.',
          declaration: 'optional rapport.api.v1.BatchProblem problem = 2',
        },
      ],
    },
  ];
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
