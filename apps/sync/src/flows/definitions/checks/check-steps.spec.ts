import { expect, test } from 'vitest';
import { readDefinition } from '../definition-json.js';
import { definitionFaults } from './definition-checks.js';

test('a definition has at most 50,000 characters of JSONata at all levels', () => {
  const long = (index: number) => ({
    key: `step_${index}`,
    transform: { expression: '1'.padEnd(10_000), input: 'vars' },
  });
  const faultsOf = (count: number) => {
    const steps = [{ key: 'around', do: { steps: Array.from({ length: count }, (_, index) => long(index)) } }];
    return definitionFaults(readDefinition({ trigger: { manual: {} }, steps }), new Map());
  };

  expect(faultsOf(5)).toEqual([]);
  expect(faultsOf(6)).toMatchObject([{ reason: 'TOO_LONG' }]);
});
