import { expect, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { OnErase, OnMerge } from '../gen/rapport/api/v1/options.js';
import { snakeCase } from '../values/letter-case.js';
import { recordContracts, type RecordField } from './record-contract.js';

const contract = platformContract();

/** The cache tags of the types that refer to records of a type by a field like this. */
function referringTypes(target: string, isChanged: (field: RecordField) => boolean): string[] {
  const refers = ({ reference, relatedTypes }: RecordField) =>
    reference === `rapport/${target}` || relatedTypes?.includes(target.toLowerCase()) === true;
  return recordContracts(contract)
    .filter(({ fields }) => fields.some((field) => refers(field) && isChanged(field)))
    .map(({ singular }) => snakeCase(singular));
}

const isMoved = ({ index }: RecordField) => index.onMerge === OnMerge.MOVE;
const isErased = ({ index }: RecordField) => [OnErase.CLEAR, OnErase.REMOVE].includes(index.onErase);

test.each([
  ['MergeCustomers', 'Customer', isMoved],
  ['UnmergeCustomers', 'Customer', isMoved],
  ['EraseCustomer', 'Customer', isErased],
  ['MergeDeals', 'Deal', isMoved],
  ['UndoDealMerge', 'Deal', isMoved],
])('%s invalidates kept answers with records whose references to a %s it changes', (name, target, isChanged) => {
  const method = contract.methods.find((each) => each.name === name);
  const referring = referringTypes(target, isChanged);

  expect(referring).toContain('quote');
  expect(method?.policy.invalidates).toEqual(expect.arrayContaining(referring));
});

test.each(['MergeCustomers', 'UnmergeCustomers'])(
  '%s invalidates kept answers with records whose custom fields may refer to a customer',
  (name) => {
    const withCustomFields = recordContracts(contract).filter(({ options }) => options.customFields);
    const method = contract.methods.find((each) => each.name === name);

    expect(withCustomFields.length).toBeGreaterThan(10);
    expect(method?.policy.invalidates).toEqual(
      expect.arrayContaining(withCustomFields.map(({ singular }) => snakeCase(singular))),
    );
  },
);

test('AssignRecord invalidates kept answers with the record, of whatever type with owners it is', () => {
  const owned = recordContracts(contract).filter(({ options, parent }) => options.owned && parent === undefined);
  const method = contract.methods.find((each) => each.name === 'AssignRecord');

  expect(owned.length).toBeGreaterThan(5);
  expect(method?.policy.invalidates.toSorted()).toEqual(
    ['assignment', ...owned.map(({ singular }) => `${snakeCase(singular)}:{target.record_id}`)].toSorted(),
  );
});
