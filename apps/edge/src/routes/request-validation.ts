import { createHash } from 'node:crypto';
import {
  allFormats,
  createProblem,
  escapePointerStep,
  lengthSentences,
  nestedKeyword,
  patternMismatch,
  storableKeyword,
  structViolation,
  type MakeSchema,
  type PlacedViolation,
  type Problem,
  type RestRoute,
} from '@rapport/contracts';
import { AppError, type FieldViolation } from '@rapport/platform';
import { Ajv2020, type ErrorObject, type FuncKeywordDefinition } from 'ajv/dist/2020.js';
import type { DataValidationCxt } from 'ajv/dist/types/index.js';
import type { FastifySchema, FastifySchemaCompiler } from 'fastify';

/** Most violations that an answer lists. */
const maxViolations = 100;

/** Parameters are text, so they are converted to the type of the schema; bodies are not converted. */
const forText = compilerOf({ coerceTypes: 'array', allErrors: true, verbose: true });
const forJson = compilerOf({ coerceTypes: false, allErrors: true, verbose: true });
const forLargeJson = compilerOf({ coerceTypes: false, allErrors: false, verbose: false });

/** Largest number of values in a body of which all errors are collected: each value can have one. */
const maxListedValues = 20_000;

/** Whether the path and query parameters of a route match their schemas. */
export type ParameterRules = Record<'params' | 'query', (parameters: object) => boolean>;

export function compileParameters({ schemas: { params, querystring } }: Pick<RestRoute, 'schemas'>): ParameterRules {
  return { params: forText(params?.() ?? {}), query: forText(querystring()) };
}

/**
 * A route's schemas are made and compiled for its first request: compiling those of all routes took two thirds of a start,
 * and making them a fifteenth of the rest. Fastify passes on a schema that is a function as it is.
 */
export const validatorCompiler: FastifySchemaCompiler<FastifySchema> = ({ schema, httpPart }) => {
  const make = schema as MakeSchema;
  let compiled: Validator | undefined;
  const validate: Validator = (value) => {
    compiled ??= httpPart === 'body' ? bodyValidator(make()) : forText(make());
    const isValid = compiled(value);
    const errors =
      httpPart === 'querystring' ? compiled.errors?.map((each) => ofRepeated(each, value)) : compiled.errors;
    validate.errors = errors?.map(withoutValues);
    return isValid;
  };
  return validate;
};

/** An error without the values of the request, which must not get into logs, and with the names that an unknown one is none of. */
function withoutValues({ keyword, instancePath, schemaPath, params, message, parentSchema }: ErrorObject): ErrorObject {
  const error = { keyword, instancePath, schemaPath, params, ...(message !== undefined && { message }) };
  if (keyword !== 'additionalProperties' || !parentSchema) return error;
  const properties = Object.entries((parentSchema['properties'] ?? {}) as Record<string, unknown>);
  return {
    ...error,
    params: { ...params, known: properties.flatMap(([name, each]) => (each === false ? [] : [name])) },
  };
}

interface Validator {
  (value: unknown): boolean;
  errors?: ErrorObject[] | null | undefined;
}

/** The error of a parameter that was given several times and takes one value. */
function ofRepeated(error: ErrorObject, parameters: unknown): ErrorObject {
  const given = (parameters as Record<string, unknown>)[error.instancePath.slice(1)];
  return error.keyword === 'type' && Array.isArray(given) ? { ...error, keyword: 'once' } : error;
}

/** The error of a request without a body. */
const missingBody: ErrorObject = { keyword: 'required', instancePath: '', schemaPath: '', params: {} };

function bodyValidator(schema: object): Validator {
  const first = forLargeJson(schema);
  let all: Validator | undefined;
  const validate: Validator = (body) => {
    if (first(body)) return true;
    const isAbsent = body === undefined || body === null;
    validate.errors = isAbsent ? [missingBody] : first.errors;
    if (isAbsent) return false;
    if (isTooDeep(first) || hasMoreValues(body, maxListedValues)) return false;
    all ??= forJson(schema);
    all(body);
    validate.errors = all.errors;
    return false;
  };
  return validate;
}

/** Not by recursion: a body of a few MiB can be deeper than the stack. Values beyond the limit are not read. */
function hasMoreValues(json: unknown, limit: number): boolean {
  const open = [json];
  let count = 0;
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    count += 1;
    if (typeof value !== 'object' || value === null) continue;
    const size = Array.isArray(value) ? value.length : Object.keys(value).length;
    if (count + open.length + size > limit) return true;
    for (const item of Object.values(value)) open.push(item);
  }
  return false;
}

/** Most levels of a body down to a message that contains itself: a deeper one would overflow the stack. The service checks `max_depth`. */
const maxLevels = 64;

type HttpPart = 'body' | 'querystring' | 'params' | 'headers';

/** The problem answer to a request that does not match the schemas of its route. */
export function validationProblem(errors: readonly ErrorObject[], part: HttpPart, requestId: string): Problem {
  const places = { body: 'body', querystring: 'query', params: 'path', headers: 'header' } as const;
  const described = new Set<string>();
  const placed = errors
    // Repeats that one of the branches above failed, and the branch of a value that may be null.
    .filter(({ keyword, params }) => keyword !== 'anyOf' && params['type'] !== 'null')
    .slice(0, maxViolations)
    .map((error) => ({ in: places[part], ...describe(onlyOnce(error, described)) }));
  return createProblem(new AppError('INVALID_ARGUMENT', 'VALIDATION_FAILED', 'Wrong request.'), placed, requestId);
}

/** An answer lists the known names of a kind of object once, however many of its names are unknown. */
function onlyOnce(error: ErrorObject, described: Set<string>): ErrorObject {
  if (!('known' in error.params) || !described.has(error.schemaPath)) {
    described.add(error.schemaPath);
    return error;
  }
  return { ...error, params: { ...error.params, known: undefined } };
}

/** The error for a body on a route that takes none. */
export function refuseBody(route: RestRoute, body: unknown): void {
  if (route.fields.body || body === undefined || body === null || isEmptyObject(body)) return;
  const violation: FieldViolation = {
    field: '',
    reason: 'UNKNOWN_FIELD',
    description: 'This operation takes no body.',
  };
  throw new AppError('INVALID_ARGUMENT', 'VALIDATION_FAILED', violation.description, { violations: [violation] });
}

type Compile = (schema: object) => Validator;

interface AjvOptions {
  coerceTypes: 'array' | false;
  allErrors: boolean;
  verbose: boolean;
}

/** Compiles equal schemas once: a tenth of all schemas of parameters are different ones. */
function compilerOf(options: AjvOptions): Compile {
  const ajv = createAjv(options);
  const compiled = new Map<string, Validator>();
  return (schema) => {
    // The digest in place of the text, which is large for a body.
    const digest = createHash('sha256').update(JSON.stringify(schema)).digest('base64');
    const validator = compiled.get(digest) ?? ajv.compile(schema);
    compiled.set(digest, validator);
    return validator;
  };
}

function createAjv(options: AjvOptions): Ajv2020 {
  const ajv = new Ajv2020({
    ...options,
    // Takes half of the time of compiling, and V8 optimizes the code of schemas that are used often.
    code: { optimize: false },
    // To compile the rules of schemas takes 50 to 100 ms of the first request. Tests check the schemas of the contract by them.
    validateSchema: false,
    removeAdditional: false,
    useDefaults: false,
    strict: true,
    allowUnionTypes: true,
    strictRequired: false,
  });
  ajv.addKeyword(storableKeyword);
  ajv.addKeyword({
    keyword: 'finite',
    validate: (_: unknown, value: unknown) => value !== Infinity && value !== -Infinity,
  });
  ajv.addKeyword(structKeyword());
  ajv.addKeyword({
    keyword: nestedKeyword,
    type: 'object',
    // Before the values of an object are read.
    before: 'additionalProperties',
    errors: true,
    validate: (_: unknown, _value: unknown, _schema?: unknown, place?: DataValidationCxt) =>
      place === undefined || place.instancePath.split('/').length <= maxLevels,
  });
  for (const { name, test, pattern = test } of allFormats) ajv.addFormat(name, pattern);
  return ajv;
}

/** Whether a message that contains itself is too deep. Nothing in it was read. */
function isTooDeep({ errors }: Validator): boolean {
  return errors?.[0]?.keyword === nestedKeyword;
}

/** One keyword for several rules: its error names the broken one. */
function structKeyword(): FuncKeywordDefinition {
  const validate: NonNullable<FuncKeywordDefinition['validate']> = (_: unknown, value: object) => {
    const violation = structViolation(value);
    validate.errors = violation && [{ keyword: 'struct', params: violation }];
    return violation === undefined;
  };
  return { keyword: 'struct', type: 'object', errors: true, validate };
}

type Describe = (params: Record<string, unknown>) => { code: string; detail: string };

const limit =
  (code: string, sentence: (limit: number) => string): Describe =>
  ({ limit }) => ({ code, detail: sentence(limit as number) });

/** The violation of a value that fails a keyword of its schema. */
const descriptions: Readonly<Record<string, Describe>> = {
  required: () => ({ code: 'REQUIRED', detail: 'is required.' }),
  additionalProperties: ({ known }) => {
    const names = (known as string[] | undefined)?.join(', ');
    return { code: 'UNKNOWN_FIELD', detail: `is not known here${names ? `; known are ${names}` : ''}.` };
  },
  'false schema': () => ({ code: 'READ_ONLY_FIELD', detail: 'can not be set.' }),
  once: () => ({ code: 'WRONG_TYPE', detail: 'must be given once.' }),
  type: ({ type }) => ({ code: 'WRONG_TYPE', detail: `must be of type ${[type].flat().join(' or ')}.` }),
  enum: ({ allowedValues }) => ({
    code: 'UNKNOWN_VALUE',
    detail: `must be one of ${(allowedValues as (string | null)[]).filter((value) => value !== null).join(', ')}.`,
  }),
  minLength: limit('TOO_SHORT', lengthSentences.minLength),
  maxLength: limit('TOO_LONG', lengthSentences.maxLength),
  minItems: limit('TOO_FEW_ITEMS', lengthSentences.minItems),
  maxItems: limit('TOO_MANY_ITEMS', lengthSentences.maxItems),
  minimum: limit('TOO_SMALL', (least) => `must be at least ${least}.`),
  maximum: limit('TOO_LARGE', (most) => `must be at most ${most}.`),
  minProperties: () => ({ code: 'REQUIRED', detail: 'must name at least one field.' }),
  pattern: ({ pattern }) => ({ code: 'BAD_FORMAT', detail: patternMismatch(pattern as string) }),
  format: ({ format }) => ({
    code: 'BAD_FORMAT',
    detail: `must be ${allFormats.find(({ name }) => name === format)?.phrase ?? (format as string)}.`,
  }),
  finite: () => ({ code: 'TOO_LARGE', detail: 'must be a finite number.' }),
  [nestedKeyword]: () => ({ code: 'TOO_DEEP', detail: `must be within the first ${maxLevels} levels.` }),
  struct: ({ reason, description }) => ({ code: reason as string, detail: description as string }),
  storable: () => ({ code: 'BAD_CHARACTERS', detail: 'has a NUL or a broken character.' }),
};

function describe({ keyword, instancePath, params, message }: ErrorObject): Omit<PlacedViolation, 'in'> {
  const { missingProperty, additionalProperty } = params as Record<string, string | undefined>;
  const property = missingProperty ?? additionalProperty;
  const pointer = property === undefined ? instancePath : `${instancePath}/${escapePointerStep(property)}`;
  const description = descriptions[keyword];
  return { pointer, ...(description?.(params) ?? { code: 'INVALID', detail: `${message ?? 'is not valid'}.` }) };
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
