import { camelCase } from '@rapport/contracts';
import { Policy, TrafficClass } from '@rapport/contracts/rapport/api/v1/options';
import {
  itemExamples,
  mergedError,
  parentFields,
  permissionTo,
  uniqueNames,
  writtenTags,
  type Declared,
} from './declared.ts';
import { newValues, requestFields as field } from './request-fields.ts';
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
      `Creates up to 1,000 ${names.nouns} in one transaction. Items are applied in order, each like a single creation. \`mode\` ` +
      'determines what an invalid item does to the others. Fails with `409 CONCURRENT_WRITE` if a concurrent write holds a ' +
      `record${contention} (retry).`,
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
    field.record(names.type, names.field, 2, newValues),
    {
      comment:
        'Names of the fields to change. A named field without a value is cleared. In REST it defaults to the names in ' +
        `\`${names.json}\`, where null clears a field.`,
      declaration: 'repeated string update_mask = 3',
    },
    field.etag(4, 'item'),
  ];
  return {
    ...batchMethod(declared, 'Update'),
    comment:
      `Updates up to 1,000 ${names.nouns} in one transaction. Items are applied in order, each like a single update. Errors as for ` +
      `batch creation${mergedError(declared)}.`,
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
      `Deletes up to 1,000 ${names.nouns} softly in one transaction. Items are applied in order, each like a single deletion. Errors ` +
      'as for batch creation.',
    request: 'rapport.api.v1.BatchDeleteRecordsRequest',
    messages: batchResponse(declared, 'Delete'),
  };
}

function importRecords({ record, names, ...declared }: Declared): StandardMethod {
  const known = uniqueNames({ record, names, ...declared });
  const met =
    known.length > 0
      ? `. Without an \`id\`, or if there is no such ${names.noun} (NOTICE ID_NOT_FOUND), it updates the ${names.noun} with a unique ` +
        `value of the row (${known.map(camelCase).join(', then ')}). Otherwise it creates ${names.one}. A unique value of another ` +
        `${names.noun} is dropped with a WARNING; contradictory external ids reject the row`
      : `. Otherwise it creates ${names.one} (NOTICE ID_NOT_FOUND if there is no ${names.noun} with the \`id\`)`;
  return {
    name: `Import${names.types}`,
    comment:
      `Creates and updates ${names.nouns} from a file of up to 2 GiB and 300 columns. Formats: CSV (\`text/csv\` with a header row; ` +
      'cells separated by comma, semicolon or tab), NDJSON (`application/x-ndjson`) and a JSON array (`application/json`).\n\n' +
      `A row updates the live ${names.noun} with its \`id\`${met}.\n\n` +
      'Values of a row replace those of the record, lists are united, and an empty cell changes nothing. An invalid value is ' +
      'dropped with a WARNING; a row that then lacks a required field is rejected. A row that matches a record of an earlier row ' +
      'of the file only adds missing values.\n\n' +
      'The import is one transaction that begins when the file has arrived: all rows are applied or, on an error of the whole ' +
      'file, none. Importing the same file again changes nothing. Errors: `409 IMPORT_CONFLICT` if a concurrent write takes a ' +
      'unique value (retry); `409 UPLOAD_TOO_SLOW` if fewer than 1,024 bytes arrive in a minute; `429 TOO_MANY_IMPORTS` while four ' +
      'imports of the tenant run, or too many of all tenants; `429 IMPORT_QUOTA` if the files of the imports of the tenant exceed ' +
      `4 GiB. For callers without access to personal data, \`updated\` also counts unchanged ${names.nouns}.`,
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

const batchNouns = { Create: 'creation', Update: 'update', Delete: 'deletion' };

type BatchVerb = keyof typeof batchNouns;

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
      comment: `Request to ${verbLower} several ${names.nouns}.`,
      fields: [
        field.record(`${verb}${names.types}Batch`, 'batch', 1, `The ${names.nouns} to ${verbLower}.`),
        field.requestId(2, ' for the whole batch'),
        field.validateOnly(3),
        ...parentFields(declared),
      ],
    },
    {
      name: `${verb}${names.types}Batch`,
      comment: `${upperFirst(names.nouns)} to ${verbLower} in one request.`,
      fields: [
        {
          comment: 'The items. Items for the same record are applied in order.',
          declaration: `repeated ${verb}${names.type}Item items = 1`,
          isRequired: true,
          rules: ['min_items: 1', 'max_items: 1000', 'checked_by_handler: true', `example: ${JSON.stringify(example)}`],
        },
        {
          comment: 'What happens to the other items when one is invalid. Defaults to ATOMIC.',
          declaration: 'rapport.api.v1.BatchMode mode = 2',
        },
      ],
    },
    { name: `${verb}${names.type}Item`, comment: `${upperFirst(names.one)} to ${verbLower}.`, fields: itemFields },
  ];
}

function batchResponse({ names }: Declared, verb: BatchVerb): PrintedMessage[] {
  return [
    {
      name: `Batch${verb}${names.types}Response`,
      comment: `Results of a batch ${batchNouns[verb]}.`,
      fields: [
        {
          comment: 'The result of each item, in the order of the items.',
          declaration: `repeated ${names.type}BatchResult results = 1`,
        },
      ],
    },
    {
      name: `${names.type}BatchResult`,
      comment: `Result of one item: either the ${names.noun} or a problem.`,
      fields: [
        {
          comment: `The ${names.noun} after the item was applied.`,
          declaration: `optional ${names.type} ${names.field} = 1`,
        },
        {
          comment: 'Why the item was not applied. Absent if it was.',
          declaration: 'optional rapport.api.v1.BatchProblem problem = 2',
        },
      ],
    },
  ];
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
