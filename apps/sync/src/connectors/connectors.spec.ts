import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { connectors } from './connectors.js';

const ajv = new Ajv2020();

// They are compiled without a check.
test.each(connectors.map(({ description }) => description))(
  'the settings of $name have a valid schema',
  (description) => {
    expect(ajv.validateSchema(description.configurationSchema), ajv.errorsText()).toBe(true);
  },
);
