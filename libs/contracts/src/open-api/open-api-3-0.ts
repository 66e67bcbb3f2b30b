type Json = Record<string, unknown>;

/**
 * Converts our OpenAPI 3.1 document to OpenAPI 3.0.3, for generators that support no other version. The differences:
 * https://www.openapis.org/blog/2021/02/16/migrating-from-openapi-3-0-to-3-1-0
 *
 * Webhooks are in `x-webhooks`, where tools that know them look. @throws Error for a keyword that 3.0 lacks
 */
export function asOpenApi30(document: Json): Json {
  const { info, webhooks, components, ...rest } = document as { info: Json; webhooks?: Json; components: Json };
  const { identifier: _, ...license } = info['license'] as Json;
  const { schemas, ...parts } = components;
  return {
    ...(withSchemas(rest) as Json),
    openapi: '3.0.3',
    info: { ...info, license: { ...license, url: 'https://www.apache.org/licenses/LICENSE-2.0' } },
    ...(webhooks && { 'x-webhooks': withSchemas(webhooks) }),
    components: { ...(withSchemas(parts) as Json), schemas: mapValues(schemas as Json, schema30) },
  };
}

/** A part of the document, with its schemas in their new form. */
function withSchemas(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withSchemas);
  if (typeof part !== 'object' || part === null) return part;
  return mapEntries(part as Json, (name, value) => {
    if (name === 'schema') return schema30(value as Json);
    if (name === 'content') return mapValues(value as Json, mediaType);
    return withSchemas(value);
  });
}

/** A body without a schema is raw bytes, which 3.0 has a format for. */
function mediaType(content: Json): Json {
  return content['schema']
    ? (withSchemas(content) as Json)
    : { ...content, schema: { type: 'string', format: 'binary' } };
}

function schema30(schema: Json): Json {
  const {
    $ref,
    type,
    anyOf,
    examples,
    const: constant,
    ...rest
  } = schema as {
    $ref?: string;
    type?: string | string[];
    anyOf?: Json[];
    examples?: unknown[];
    const?: unknown;
  } & Json;
  const unknown = Object.keys(rest).filter((keyword) => !keyword.startsWith('x-') && !keywords.has(keyword));
  if (unknown.length > 0) throw new Error(`OpenAPI 3.0 has no keyword ${unknown.join(', ')}.`);
  const inner = {
    ...typeOf(type),
    ...(constant !== undefined && { type: typeof constant, enum: [constant] }),
    ...mapEntries(rest, (keyword, value) => innerSchemas(keyword, value)),
    ...(examples && { example: examples[0] }),
  };
  if (anyOf) return { ...nullable(anyOf), ...inner };
  if ($ref === undefined) return inner;
  // 3.0 ignores what is beside a reference.
  return Object.keys(inner).length === 0 ? { $ref } : { allOf: [{ $ref }], ...inner };
}

function typeOf(type: string | string[] | undefined): Json {
  if (!Array.isArray(type)) return type === undefined ? {} : { type };
  const [first, ...others] = type.filter((each) => each !== 'null');
  if (first === undefined || others.length > 0) throw new Error(`OpenAPI 3.0 has one type, not ${type.join(', ')}.`);
  return { type: first, ...(type.includes('null') && { nullable: true }) };
}

/** `nullable` needs a type beside it: the messages that our references name are objects. */
function nullable(anyOf: readonly Json[]): Json {
  const [first, ...others] = anyOf.filter(({ type }) => type !== 'null');
  if (!first || others.length > 0) throw new Error('OpenAPI 3.0 documents have alternatives with null only.');
  return { type: 'object', nullable: true, allOf: [schema30(first)] };
}

/** Keywords that both versions have with one meaning. */
const keywords = new Set([
  ...['allOf', 'items', 'properties', 'additionalProperties', 'required', 'minProperties', 'enum', 'format', 'pattern'],
  ...['description', 'readOnly', 'minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems'],
]);

function innerSchemas(keyword: string, value: unknown): unknown {
  switch (keyword) {
    case 'properties':
      return mapValues(value as Json, schema30);
    case 'items':
      return schema30(value as Json);
    case 'allOf':
      return (value as Json[]).map(schema30);
    case 'additionalProperties':
      return typeof value === 'object' ? schema30(value as Json) : value;
    default:
      return value;
  }
}

function mapValues(object: Json, map: (value: Json) => Json): Json {
  return mapEntries(object, (_, value) => map(value as Json));
}

function mapEntries(object: Json, map: (name: string, value: unknown) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(name, value)]));
}
