import type { RecordField } from '../description.js';

/** The neutral fields of a contact, common to all connectors with vCards. */
export const contactFields: RecordField[] = [
  text('displayName', 'The name to show (FN).'),
  text('familyName'),
  text('givenName'),
  text('middleName'),
  text('namePrefix'),
  text('nameSuffix'),
  text('nickname'),
  text('organization'),
  text('department', 'The units of the organization, the largest first, separated by " / ".'),
  text('jobTitle'),
  text('role'),
  list('emails', 'Each `{ address, types, label, primary }`.'),
  list('phones', 'Each `{ number, types, label, primary }`, the number as it was written.'),
  list(
    'addresses',
    'Each `{ poBox, extended, street, city, state, postalCode, country, types, label, primary }`, the country as it was written.',
  ),
  list('urls', 'Each `{ url, types, label, primary }`.'),
  { name: 'birthDate', type: 'DATE', writable: true, required: false },
  text('note'),
  list('categories', 'Texts.'),
  { ...text('uid', 'What the writer of the card calls it.'), writable: false },
  { ...text('kind', 'Such as `individual`, `org`, `group`.'), writable: false },
];

function text(name: string, description?: string): RecordField {
  return { name, type: 'TEXT', writable: true, required: false, ...(description ? { description } : {}) };
}

function list(name: string, description: string): RecordField {
  return { name, type: 'LIST', writable: true, required: false, description };
}
