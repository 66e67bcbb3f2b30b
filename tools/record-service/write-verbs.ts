import { Policy } from '@rapport/contracts/rapport/api/v1/options';
import {
  deleteErrors,
  inputErrors,
  parentFields,
  permissionTo,
  uniqueNames,
  writtenTags,
  type Declared,
} from './declared.ts';
import { requestFields as field } from './request-fields.ts';
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
        comment: `Request of Create${names.type}.`,
        fields: [
          field.record(names.type, names.field, 1, `The ${names.noun} to create.`),
          field.requestId(
            2,
            'The Idempotency-Key. Repeating a call with the same key and body answers as the first time, for 24 hours.',
          ),
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
      'Changes the fields that the body names; null clears a field, a list is replaced as a whole. NOT_FOUND as for ' +
      `Get${names.type}. ABORTED when \`etag\` is given and stale, or when another write holds the ${names.noun} or a unique value ` +
      `for more than a second (CONCURRENT_WRITE; repeat the call). Other errors as for Create${names.type}. Setting a field to ` +
      'its current value changes nothing, unless the field is hidden from the caller.',
    request: `Update${names.type}Request`,
    response: names.type,
    http: { verb: 'patch', path: `/v1/${names.collection}/{id}`, body: names.field },
    policy: writePolicy(declared, 'id'),
    messages: [
      {
        name: `Update${names.type}Request`,
        comment: `Request of Update${names.type}.`,
        fields: [
          field.id(names.noun),
          field.record(names.type, names.field, 2, 'The new values.'),
          {
            comment: 'Names of the fields to change. In REST the names that the body has.',
            declaration: 'google.protobuf.FieldMask update_mask = 3',
          },
          field.etag(4, 'If-Match: '),
          field.requestId(5, `The Idempotency-Key, as in Create${names.type}.`),
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
  const freed = isUnique ? ', its unique values are free at once' : '';
  return {
    name: `Delete${names.type}`,
    comment: [
      `Deletes ${names.one} softly: reads no longer find it${freed}, and Undelete${names.type} restores it.`,
      'NOT_FOUND when it does not exist or is deleted already, ABORTED when `etag` is given and stale.',
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
  const taken =
    uniqueNames(declared).length > 0
      ? `, ALREADY_EXISTS when a live ${names.noun} has one of its unique values now (\`${names.json}Id\` of the problem)`
      : '';
  return {
    name: `Undelete${names.type}`,
    comment: `Restores a deleted ${names.noun}. NOT_FOUND when it never existed, FAILED_PRECONDITION when it is not deleted${taken}.`,
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
    ? `, or when lists are united and the ${names.noun} that is met has another id in a system of the request ` +
      `(EXTERNAL_ID_DIFFERS, \`${names.json}Id\` of the problem)`
    : '';
  const hasLists = record.fields.some(({ desc, writable }) => desc.fieldKind === 'list' && writable !== 'NEVER');
  return {
    name: `Upsert${names.type}`,
    comment:
      `Creates ${names.one}, or updates the live one that has ${matchedValue(declared)}, as Update${names.type} does ` +
      `with the fields that the ${names.noun} of the request has${hasLists ? ', except that lists are united unless `list_mode` is REPLACE' : ''}. ` +
      `A deleted ${names.noun} has no unique values, so it is never restored. Two calls for one value at the same time create one ` +
      `${names.noun}. ALREADY_EXISTS when another ${names.noun} has a further unique value${differs}. Other errors as for ` +
      `Create${names.type}.${hasLists ? ` INVALID_ARGUMENT TOO_MANY_ITEMS when a united list is longer than ${names.one} may have.` : ''}`,
    request: `Upsert${names.type}Request`,
    response: `Upsert${names.type}Response`,
    http: { verb: 'post', path: `/v1/${names.collection}:upsert`, body: names.field },
    policy: { ...writePolicy(declared, `${names.field}.id`), idempotent: true },
    messages: [
      {
        name: `Upsert${names.type}Request`,
        comment: `Request of Upsert${names.type}.`,
        fields: [
          field.record(
            names.type,
            names.field,
            1,
            `The ${names.noun} to create, or the new values of the one that is met. Fields that it does not have stay as they are.`,
          ),
          ...matchFields(declared),
          field.requestId(4, `The Idempotency-Key, as in Create${names.type}.`),
          field.validateOnly(5),
          ...(hasLists
            ? [
                {
                  comment: `What happens to the lists of the ${names.noun} that is met. UNITE when unset.`,
                  declaration: 'rapport.api.v1.ListMode list_mode = 6',
                },
              ]
            : []),
          ...parentFields(declared),
        ],
      },
      {
        name: `Upsert${names.type}Response`,
        comment: `Response of Upsert${names.type}.`,
        fields: [
          { comment: `The ${names.noun} as it is now.`, declaration: `${names.type} ${names.field} = 1` },
          { comment: 'True when it was created, false when one was met.', declaration: 'bool created = 2' },
        ],
      },
    ],
  };
}

const externalIds = 'external_ids';

function matchedValue(declared: Declared): string {
  const [only, ...others] = uniqueNames(declared);
  if (others.length > 0) return 'the value that `match` names';
  return only === externalIds ? 'the external id of the request in `match_system`' : `the \`${only}\` of the request`;
}

/** How a request says which unique value is met. There is nothing to say when there is only one. */
function matchFields(declared: Declared): PrintedField[] {
  const unique = uniqueNames(declared);
  const isChoice = unique.length > 1;
  const match: PrintedField = {
    comment:
      `Name of the field whose value decides which ${declared.names.noun} is met: its first value, or the external id of ` +
      '`match_system`.',
    declaration: 'string match = 2',
    isRequired: true,
    rules: [`pattern: "^(${unique.join('|')})$"`],
  };
  const system: PrintedField = {
    comment: `System of the external id to match.${isChoice ? ` Required with ${externalIds}.` : ''}`,
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
