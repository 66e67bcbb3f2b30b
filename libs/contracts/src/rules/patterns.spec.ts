import type { DescMessage } from '@bufbuild/protobuf';
import { Linter } from 'eslint';
import regexp from 'eslint-plugin-regexp';
import { expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';

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

function patternsWithin(message: DescMessage): string[] {
  if (message.typeName.startsWith('google.')) return [];
  return message.fields.flatMap((field) => {
    const { pattern } = contract.rules(field);
    return [...(pattern === '' ? [] : [pattern]), ...(field.message ? patternsWithin(field.message) : [])];
  });
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
