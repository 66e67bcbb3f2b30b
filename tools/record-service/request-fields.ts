import type { PrintedField } from './standard-method.ts';

const uuid = 'format: FORMAT_UUID';

/** What the record of an update has. */
export const newValues = 'The fields to change, with their new values.';

/** By where a REST request has the etag. */
const etagComments = {
  header: 'The `If-Match` header: the etag that the caller last read, or `*` for any version.',
  item: 'The etag that the caller last read, or `*` for any version. The item fails with `ETAG_MISMATCH` if the record has another one.',
};

/** Fields that requests of several methods have. */
export const requestFields = {
  id: (noun: string): PrintedField => ({
    comment: `Id of the ${noun}.`,
    declaration: 'string id = 1',
    isRequired: true,
    rules: [uuid],
  }),
  etag: (number: number, place: keyof typeof etagComments): PrintedField => ({
    comment: etagComments[place],
    declaration: `optional string etag = ${number}`,
    rules: ['max_length: 100'],
  }),
  /** @param scope such as ` for the whole batch` */
  requestId: (number: number, scope = ''): PrintedField => ({
    comment:
      `The \`Idempotency-Key\` header${scope}. A request repeated with the same key and body within 24 hours returns the first ` +
      'response.',
    declaration: `optional string request_id = ${number}`,
    rules: ['min_length: 1', 'max_length: 200'],
  }),
  validateOnly: (number: number): PrintedField => ({
    comment: 'Set to true to validate the request and return the response that it would produce, without applying it.',
    declaration: `optional bool validate_only = ${number}`,
  }),
  /** @param type of the message that is in the field */
  record: (type: string, field: string, number: number, comment: string): PrintedField => ({
    comment,
    declaration: `${type} ${field} = ${number}`,
    isRequired: true,
  }),
};
