import { expect, test } from 'vitest';
import { validatorCompiler } from './request-validation.js';

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: { a: { type: 'string' }, b: { type: 'string' } },
};
const validate = validatorCompiler({ schema: () => schema, method: 'POST', url: '/', httpPart: 'body' } as never) as {
  (body: unknown): boolean;
  errors?: object[];
};

test('all errors of a body are found', () => {
  expect(validate({ a: [1, [2]], b: {} })).toBe(false);
  expect(validate.errors).toHaveLength(2);
});

test.each([
  ['list', []],
  ['object', {}],
])('no value of a %s with too many values is read to find further errors', (_, values: object) => {
  for (let index = 0; index < 20_000; index += 1) Object.assign(values, { [index]: 1 });
  Object.defineProperty(values, 20_000, {
    enumerable: true,
    get() {
      throw new Error('was read');
    },
  });

  expect(validate({ a: values, b: {} })).toBe(false);
  expect(validate.errors).toHaveLength(1);
});
