import type { PrintedField } from './standard-method.ts';

const uuid = 'format: FORMAT_UUID';

/** Fields that requests of several methods have. */
export const requestFields = {
  id: (noun: string): PrintedField => ({
    comment: `Id of the ${noun}.`,
    declaration: 'string id = 1',
    isRequired: true,
    rules: [uuid],
  }),
  /** @param origin where REST has it, such as `If-Match: ` */
  etag: (number: number, origin = ''): PrintedField => ({
    comment: `${origin}${origin === '' ? 'The' : 'the'} etag of the record that the caller has seen, or \`*\`.`,
    declaration: `optional string etag = ${number}`,
    rules: ['max_length: 100'],
  }),
  requestId: (number: number, comment: string): PrintedField => ({
    comment,
    declaration: `optional string request_id = ${number}`,
    rules: ['min_length: 1', 'max_length: 200'],
  }),
  validateOnly: (number: number): PrintedField => ({
    comment: 'True to check the call and answer as if it were done, without doing it.',
    declaration: `optional bool validate_only = ${number}`,
  }),
  /** @param type of the message that is in the field */
  record: (type: string, field: string, number: number, comment: string): PrintedField => ({
    comment,
    declaration: `${type} ${field} = ${number}`,
    isRequired: true,
  }),
};
