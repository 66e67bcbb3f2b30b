import { camelCase } from '@rapport/contracts';
import { Policy } from '@rapport/contracts/rapport/api/v1/options';
import {
  deleteErrors,
  inputErrors,
  mergedError,
  notFoundCode,
  parentFields,
  permissionTo,
  takenCodes,
  undeleteErrors,
  uniqueNames,
  writtenTags,
  type Declared,
} from './declared.ts';
import { newValues, requestFields as field } from './request-fields.ts';
import type { PrintedField, StandardMethod } from './standard-method.ts';

/** Methods that change one record. */
export const writeVerbs = { create, update, delete: deleteRecord, undelete, upsert };

function create(declared: Declared): StandardMethod {
  const { names } = declared;
  return {
    name: `Create${names.type}`,
    comment: [`Creates ${names.one}.`, ...inputErrors(declared)].join(' '),
    request: `Create${names.type}Request`,
    response: names.type,
    http: { verb: 'post', path: `/v1/${names.collection}`, body: names.field },
    policy: writePolicy(declared, 'id'),
    messages: [
      {
        name: `Create${names.type}Request`,
        comment: `Request to create ${names.one}.`,
        fields: [
          field.record(names.type, names.field, 1, `The ${names.noun} to create.`),
          field.requestId(2),
          field.validateOnly(3),
          ...parentFields(declared),
        ],
      },
    ],
  };
}

function update(declared: Declared): StandardMethod {
  const { names } = declared;
  return {
    name: `Update${names.type}`,
    comment:
      `Updates ${names.one}. Only the fields in the body change. Null clears a field, and a list is replaced as a whole. Setting ` +
      'a field to its current value changes nothing, unless the field is hidden from the caller. Errors: ' +
      `${notFoundCode(names)} as for reads; \`412 ETAG_MISMATCH\` if \`If-Match\` has an old etag; \`409 CONCURRENT_WRITE\` if another ` +
      `write holds the ${names.noun} or a unique value for more than a second (retry)${mergedError(declared)}. Other errors as for creation.`,
    request: `Update${names.type}Request`,
    response: names.type,
    http: { verb: 'patch', path: `/v1/${names.collection}/{id}`, body: names.field },
    policy: writePolicy(declared, 'id'),
    messages: [
      {
        name: `Update${names.type}Request`,
        comment: `Request to update ${names.one}.`,
        fields: [
          field.id(names.noun),
          field.record(names.type, names.field, 2, newValues),
          {
            comment: 'Names of the fields to change. REST takes them from the names in the body.',
            declaration: 'google.protobuf.FieldMask update_mask = 3',
          },
          field.etag(4, 'header'),
          field.requestId(5),
          field.validateOnly(6),
          ...parentFields(declared),
        ],
      },
    ],
  };
}

function deleteRecord(declared: Declared): StandardMethod {
  const { names } = declared;
  const isUnique = uniqueNames(declared).length > 0;
  const freed = isUnique ? ', its unique values are free immediately' : '';
  return {
    name: `Delete${names.type}`,
    comment: [
      `Deletes ${names.one} softly. Reads no longer find it${freed}, and \`POST /v1/${names.collection}/{id}:undelete\` restores it.`,
      `Fails with ${notFoundCode(names)} if it does not exist or is already deleted, and with \`412 ETAG_MISMATCH\` if \`If-Match\` ` +
        'has an old etag.',
      ...deleteErrors(declared),
    ].join(' '),
    request: 'rapport.api.v1.DeleteRecordRequest',
    response: names.type,
    http: { verb: 'delete', path: `/v1/${names.collection}/{id}` },
    policy: writePolicy(declared, 'id'),
    messages: [],
  };
}

function undelete(declared: Declared): StandardMethod {
  const { names } = declared;
  const errors = [
    `${notFoundCode(names)} if it never existed`,
    `\`409 ${names.field.toUpperCase()}_NOT_DELETED\` if it is live`,
    ...undeleteErrors(declared),
    ...(uniqueNames(declared).length > 0
      ? [
          `${takenCodes(declared)} if a live ${names.noun} has taken one of its unique values (\`${names.json}Id\` in ` +
            '`metadata`)',
        ]
      : []),
  ];
  return {
    name: `Undelete${names.type}`,
    comment: `Restores a deleted ${names.noun}. Errors: ${errors.join('; ')}.`,
    request: 'rapport.api.v1.UndeleteRecordRequest',
    response: names.type,
    http: { verb: 'post', path: `/v1/${names.collection}/{id}:undelete` },
    policy: writePolicy(declared, 'id'),
    messages: [],
  };
}

function upsert(declared: Declared): StandardMethod {
  const { names, record } = declared;
  const external = uniqueNames(declared).includes(externalIds);
  const differs = external
    ? `; \`409 EXTERNAL_ID_DIFFERS\` if lists are united and the matched ${names.noun} has another id in a system of the request ` +
      `(\`${names.json}Id\` in \`metadata\`)`
    : '';
  const hasLists = record.fields.some(({ desc, writable }) => desc.fieldKind === 'list' && writable !== 'NEVER');
  return {
    name: `Upsert${names.type}`,
    comment:
      `Creates or updates ${names.one}. The live ${names.noun} with ${matchedValue(declared)} is updated; if there is none, ` +
      `${names.one} is created. An update changes the fields that are present in the request${hasLists ? '; lists are united unless `listMode` is REPLACE' : ''}. A deleted ${names.noun} has no unique ` +
      `values and is never restored. Two concurrent requests for one value create one ${names.noun}. Errors: ${takenCodes(declared)} if ` +
      `another ${names.noun} has a further unique value${differs}${hasLists ? tooManyItems : ''}${mergedError(declared)}. Other errors as for creation.`,
    request: `Upsert${names.type}Request`,
    response: `Upsert${names.type}Response`,
    http: { verb: 'post', path: `/v1/${names.collection}:upsert`, body: names.field },
    policy: { ...writePolicy(declared, `${names.field}.id`), idempotent: true },
    messages: [
      {
        name: `Upsert${names.type}Request`,
        comment: `Request to create or update ${names.one}.`,
        fields: [
          field.record(
            names.type,
            names.field,
            1,
            `The ${names.noun} to create, or the new values of the matched ${names.noun}. Absent fields stay unchanged.`,
          ),
          ...matchFields(declared),
          field.requestId(4),
          field.validateOnly(5),
          ...(hasLists
            ? [
                {
                  comment: `What happens to the lists of the matched ${names.noun}. Defaults to UNITE.`,
                  declaration: 'rapport.api.v1.ListMode list_mode = 6',
                },
              ]
            : []),
          ...parentFields(declared),
        ],
      },
      {
        name: `Upsert${names.type}Response`,
        comment: 'Result of an upsert.',
        fields: [
          { comment: `The ${names.noun} after the request.`, declaration: `${names.type} ${names.field} = 1` },
          {
            comment: `True if the ${names.noun} was created, false if it was updated.`,
            declaration: 'bool created = 2',
          },
        ],
      },
    ],
  };
}

const externalIds = 'external_ids';

const tooManyItems =
  '; `400 VALIDATION_FAILED` with the field error TOO_MANY_ITEMS if a united list exceeds its maximum length';

function matchedValue(declared: Declared): string {
  const [only, ...others] = uniqueNames(declared);
  if (others.length > 0) return 'the value that `match` selects';
  return only === externalIds ? 'the external id of the request in `matchSystem`' : `the \`${only}\` of the request`;
}

/** How a request says which unique value is met. There is nothing to say when there is only one. */
function matchFields(declared: Declared): PrintedField[] {
  const unique = uniqueNames(declared);
  const isChoice = unique.length > 1;
  const match: PrintedField = {
    comment:
      `Name of the field whose value selects the ${declared.names.noun} to update: its first value, or the external id in ` +
      '`matchSystem`.',
    declaration: 'string match = 2',
    isRequired: true,
    rules: [`pattern: "^(${unique.join('|')})$"`],
  };
  const system: PrintedField = {
    comment: `System of the external id to match.${isChoice ? ` Required with ${camelCase(externalIds)}.` : ''}`,
    declaration: `${isChoice ? 'optional ' : ''}string match_system = 3`,
    isRequired: !isChoice,
    rules: ['pattern: "^[a-z0-9][a-z0-9_.-]{0,59}$"', 'example: "\\"erp\\""'],
  };
  return [...(isChoice ? [match] : []), ...(unique.includes(externalIds) ? [system] : [])];
}

/** @param id where the request or the response has the id of the record */
function writePolicy(declared: Declared, id: string): Policy {
  const { record, names } = declared;
  return Policy.fromPartial({
    permission: permissionTo(record, 'write'),
    cost: 5,
    invalidates: [`${names.field}:{${id}}`, ...writtenTags(declared)],
  });
}
