import {
  allFormats,
  BodySchemas,
  JsonCodec,
  MessageValidator,
  nestedKeyword,
  platformContract,
  storableKeyword,
} from '@rapport/contracts';
import type { Flow } from '@rapport/contracts/rapport/flows/v1/flow';
import { FlowsServiceService } from '@rapport/contracts/rapport/flows/v1/flows_service';
import { cutText, invalidArgument, once, type ViolationCode } from '@rapport/platform';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { fieldOf } from './checks/faults.js';

/**
 * The flow of a file, as a request to create it has it.
 *
 * @param json of at most 64 levels
 * @throws AppError INVALID_ARGUMENT that names what the contract refuses, by paths such as `flow.definition.steps[0].key`
 */
export function flowOfJson(json: unknown): Flow {
  const validate = schema();
  if (!validate(json)) {
    throw invalidArgument((validate.errors ?? []).filter(({ keyword }) => keyword !== 'anyOf').map(violation));
  }
  const flow = codec().fromJson({ ...(json as object) }) as unknown as Flow;
  const violations = validator().violations(input(), { flow });
  if (violations.length > 0) throw invalidArgument(violations);
  return flow;
}

const validator = once(() => new MessageValidator(platformContract()));

const method = once(() => {
  const found = platformContract().method(FlowsServiceService.createFlow.path);
  if (!found) throw new Error('The contract has no way to create a flow.');
  return found;
});

function input() {
  return method().desc.input;
}

function flowMessage() {
  const message = input().fields.find(({ jsonName }) => jsonName === 'flow')?.message;
  if (!message) throw new Error('A request to create a flow has none.');
  return message;
}

const codec = once(() => JsonCodec.of(flowMessage(), new Map()));

const schema = once(() => {
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false })
    .addKeyword(storableKeyword)
    // JSON writes infinity as `1e309`, which is below each maximum for Ajv.
    .addKeyword({ keyword: 'finite', validate: (_: unknown, value: unknown) => Math.abs(value as number) !== Infinity })
    // The readers of files bound the levels.
    .addKeyword({ keyword: nestedKeyword, type: 'object' });
  for (const { name, test, pattern = test } of allFormats) ajv.addFormat(name, pattern);
  return ajv.compile(new BodySchemas(platformContract()).of(flowMessage(), 'input'));
});

/** Of an unknown field, what the answer has of its name. */
const maxNameCharacters = 100;

function violation({ instancePath, keyword, params, message = 'is wrong' }: ErrorObject) {
  const { missingProperty, additionalProperty } = params as Record<string, string | undefined>;
  const child = missingProperty ?? (additionalProperty && cutText(additionalProperty, maxNameCharacters));
  const path = [...instancePath.split('/').slice(1), ...(child === undefined ? [] : [child])];
  return {
    field: fieldOf({ path: path.map((step) => (/^\d+$/.test(step) ? Number(step) : step)) }, 'flow'),
    reason: reasons[keyword] ?? 'BAD_FORMAT',
    description: missingProperty ? 'is required' : additionalProperty ? 'is unknown' : message,
  };
}

const reasons: Readonly<Record<string, ViolationCode>> = {
  ...{ required: 'REQUIRED', additionalProperties: 'UNKNOWN_FIELD', type: 'WRONG_TYPE', enum: 'UNKNOWN_VALUE' },
  ...{ minLength: 'TOO_SHORT', maxLength: 'TOO_LONG', minItems: 'TOO_FEW_ITEMS', maxItems: 'TOO_MANY_ITEMS' },
  ...{ minimum: 'TOO_SMALL', maximum: 'TOO_LARGE', 'false schema': 'READ_ONLY_FIELD', storable: 'BAD_CHARACTERS' },
};
