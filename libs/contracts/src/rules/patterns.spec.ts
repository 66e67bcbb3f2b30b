import type { DescMessage } from '@bufbuild/protobuf';
import { Linter } from 'eslint';
import regexp from 'eslint-plugin-regexp';
import { expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { reachableMessages } from '../descriptors/reachable-messages.js';

const contract = platformContract();

it('every pattern of the contract runs in linear time', () => {
  const patterns = [...new Set(contract.methods.flatMap(({ desc }) => patternsWithin(desc.input)))];
  expect(patterns.length).toBeGreaterThan(3);
  expect(patterns.filter((pattern) => faultsOf(pattern).length > 0)).toEqual([]);
});

it('a pattern of another complexity is detected', () => {
  expect(faultsOf('^(a+)+$')).toHaveLength(1);
  expect(faultsOf('^\\d+\\.?\\d*x$')).toHaveLength(1);
});

function patternsWithin(request: DescMessage): string[] {
  const messages = [...reachableMessages(request)].filter(({ typeName }) => !typeName.startsWith('google.'));
  return messages.flatMap(({ fields }) =>
    fields.map((field) => contract.rules(field).pattern).filter((pattern) => pattern !== ''),
  );
}

/** By the lint rules of our own source; the service and the edge compile patterns as these literals. */
function faultsOf(pattern: string): string[] {
  const rules: Linter.RulesRecord = {
    'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
    'regexp/no-super-linear-move': 'error',
  };
  const source = `export const pattern = new RegExp(${JSON.stringify(pattern)}, 'u');`;
  return new Linter().verify(source, { plugins: { regexp }, rules }).map(({ message }) => message);
}
