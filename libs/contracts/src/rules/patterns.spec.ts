import type { DescMessage } from '@bufbuild/protobuf';
import { Linter } from 'eslint';
import regexp from 'eslint-plugin-regexp';
import { expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { reachableMessages } from '../descriptors/reachable-messages.js';
import { patternMismatch, patternPhrases } from './pattern-phrases.js';

const contract = platformContract();
const patterns = [...new Set(contract.methods.flatMap(({ desc }) => patternsWithin(desc.input)))];

it('every pattern of the contract runs in linear time', () => {
  expect(patterns.length).toBeGreaterThan(3);
  expect(patterns.filter((pattern) => faultsOf(pattern).length > 0)).toEqual([]);
});

it('a pattern of another complexity is detected', () => {
  expect(faultsOf('^(a+)+$')).toHaveLength(1);
  expect(faultsOf('^\\d+\\.?\\d*x$')).toHaveLength(1);
});

it('every pattern of the contract is described in words, and each description is of a pattern', () => {
  expect(patterns.map(patternMismatch).filter((sentence) => !/^must be [^^]+\.$/.test(sentence))).toEqual([]);
  expect(Object.keys(patternPhrases).filter((pattern) => !patterns.includes(pattern))).toEqual([]);
});

it('every example in the description of a pattern matches it', () => {
  const examples = Object.entries(patternPhrases).flatMap(([pattern, [, example]]) =>
    example ? [{ pattern, example }] : [],
  );
  expect(examples.filter(({ pattern, example }) => !new RegExp(pattern, 'u').test(example))).toEqual([]);
});

it.each([
  ['^(key|external_ids)$', 'must be one of key, external_ids.'],
  ['^[A-Z]{3}$', 'must be an ISO 4217 currency code of three capital letters, such as EUR.'],
  ['^[^\\r\\n]*$', 'must be a single line.'],
  ['^of others$', 'must match ^of others$.'],
])('describes %s', (pattern, sentence) => {
  expect(patternMismatch(pattern)).toBe(sentence);
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
