import { expect, test } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { OnErase, OnMerge } from '../gen/rapport/api/v1/options.js';
import { snakeCase } from '../values/letter-case.js';
import { recordContracts, type RecordField } from './record-contract.js';

const contract = platformContract();

/** The cache tags of the types that refer to customers by a field like this. */
function referringTypes(isChanged: (field: RecordField) => boolean): string[] {
  return recordContracts(contract)
    .filter(({ fields }) => fields.some((field) => field.reference === 'rapport/Customer' && isChanged(field)))
    .map(({ singular }) => snakeCase(singular));
}

test.each([
  ['MergeCustomers', ({ index }: RecordField) => index.onMerge === OnMerge.MOVE],
  ['UnmergeCustomers', ({ index }: RecordField) => index.onMerge === OnMerge.MOVE],
  ['EraseCustomer', ({ index }: RecordField) => [OnErase.CLEAR, OnErase.REMOVE].includes(index.onErase)],
])('%s invalidates kept answers with records whose references to customers it changes', (name, isChanged) => {
  const method = contract.methods.find((each) => each.name === name);
  const referring = referringTypes(isChanged);

  expect(referring).toContain('deal');
  expect(method?.policy.invalidates).toEqual(expect.arrayContaining(referring));
});
