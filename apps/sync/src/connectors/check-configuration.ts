import { once, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { ConnectorError } from './connector-error.js';
import type { ConfigurationSchema } from './description.js';

/** Without the rules of schemas: to compile them takes 100 ms of the first validation. A test checks the connectors' schemas by them. */
const ajv = once(() =>
  new Ajv2020({ allErrors: true, useDefaults: true, validateSchema: false }).addKeyword('destination'),
);

/**
 * Creates the validator of a connector's configuration. It returns a copy in which absent fields have their defaults.
 *
 * @returns a function that throws ConnectorError INVALID with a violation for each wrong field
 */
export function configurationCheck<Configuration>(schema: ConfigurationSchema): (value: unknown) => Configuration {
  return (value) => {
    // Ajv caches compiled schemas: the first validation compiles, not the start of the process.
    const validate = ajv().compile(schema);
    const configuration: unknown = structuredClone(value);
    if (validate(configuration)) return configuration as Configuration;
    const violations = (validate.errors ?? []).map(violation);
    throw new ConnectorError(
      'INVALID',
      `The configuration is wrong: ${violations.map(({ field }) => field).join(', ')}`,
      {
        violations,
      },
    );
  };
}

function violation({ instancePath, keyword, params, message = 'is wrong' }: ErrorObject): FieldViolation {
  const { missingProperty, additionalProperty } = params as Record<string, string | undefined>;
  const child = missingProperty ?? additionalProperty;
  return {
    field: child === undefined ? instancePath : `${instancePath}/${child}`,
    reason: reasons[keyword] ?? 'INVALID',
    description: missingProperty ? 'is missing' : additionalProperty ? 'is unknown' : message,
  };
}

const reasons: Record<string, ViolationCode> = { required: 'REQUIRED', additionalProperties: 'UNKNOWN_FIELD' };
