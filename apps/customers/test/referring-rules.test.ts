import { namedFields, platformContract, recordContracts } from '@rapport/contracts';
import { OnErase, OnMerge } from '@rapport/contracts/rapport/api/v1/options';
import { expect, test } from 'vitest';
import { referringContracts } from './referring-records.js';

const customer = 'rapport/Customer';
const records = [...recordContracts(platformContract()), ...referringContracts.values()];
/** Types whose records an erasure removes. */
const removed = new Set([
  customer,
  ...records
    .filter(({ fields }) => fields.some(({ index }) => index.onErase === OnErase.REMOVE))
    .map(({ type }) => type),
]);
const subjects = new Map(records.map(({ type, options }) => [type, options.subject]));

test.each(records)('$plural declare the effects of merges and erasures of their references', ({ type, fields }) => {
  const unsaid = fields.filter(
    ({ reference, index }) =>
      // References between customers are handled by code.
      type !== customer &&
      ((reference === customer && index.onMerge === OnMerge.UNSPECIFIED) ||
        (removed.has(reference ?? '') && index.onErase === OnErase.UNSPECIFIED)),
  );
  // A foreign key does not allow the id of a removed row.
  const unkept = fields.filter(
    ({ reference, isRequired, index: { onErase } }) =>
      reference !== undefined && isRequired && (onErase === OnErase.CLEAR || onErase === OnErase.KEEP),
  );

  expect([...unsaid, ...unkept].map(({ column }) => column)).toEqual([]);
});

test.each(records)('the subject of $plural has its own keys, and is erased with its personal data', (record) => {
  const field = record.fields.find(({ column }) => column === record.options.subject);

  expect(subjects.get(field?.reference ?? '') ?? '').toBe('');
  expect(field?.index.onErase).not.toBe(OnErase.KEEP);
});

test('e-mail addresses are the only unique values that encryption has to replace', () => {
  const personal = records.flatMap((record) =>
    namedFields(record).flatMap(({ name, field }) =>
      field.index.unique && field.isPersonal ? [[record.type, name]] : [],
    ),
  );

  expect(personal).toEqual([[customer, 'emails']]);
});
