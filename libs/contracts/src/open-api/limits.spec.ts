import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { restRoutes } from '../rest/rest-routes.js';
import { openApiDocument } from './open-api.js';

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema | false>;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
}

interface Operation {
  parameters: { $ref?: string; name?: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
}

const contract = platformContract();
const routes = restRoutes(contract);
const { paths, components } = openApiDocument(contract, routes, '1.0.0') as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; parameters: Record<string, { name: string; schema: Schema }> };
};

it('shows the limits of each parameter and of each field of a body, at any depth', () => {
  let limits = 0;
  const lacking = new Set<string>();
  const known = new Set<Schema>();

  const compare = (field: DescField, schema: Schema | false | undefined) => {
    // What a body cannot set is refused.
    if (schema === false) return;
    const list = resolved(schema);
    const value = field.fieldKind === 'list' ? resolved(list.items) : list;
    const { minItems, maxItems, minLength, maxLength, minimum, maximum } = contract.rules(field);
    for (const [name, limit, shown] of [
      ['minItems', minItems, list.minItems],
      ['maxItems', maxItems, list.maxItems],
      ['minLength', minLength, value.minLength],
      ['maxLength', maxLength, value.maxLength],
      ['minimum', minimum, value.minimum],
      ['maximum', maximum, value.maximum],
    ] as const) {
      if (limit === undefined) continue;
      limits += 1;
      if (shown !== limit) lacking.add(`${field.parent.typeName}.${field.name} ${name}`);
    }
    // What a handler checks itself, such as each item of a batch, has the limits of what it is made of.
    if (field.message && !isItem(list.items ?? schema)) compareAll(field.message, value);
  };
  const compareAll = (message: DescMessage, schema: Schema) => {
    if (known.has(schema) || schema.properties === undefined) return;
    known.add(schema);
    for (const field of message.fields)
      if (field.jsonName in schema.properties) compare(field, schema.properties[field.jsonName]);
  };

  for (const { verb, path, fields, bodyUsage } of routes) {
    const operation = paths[path.template]?.[verb.toLowerCase()];
    const parameters = operation?.parameters.map(({ $ref, ...own }) =>
      $ref === undefined ? own : components.parameters[lastStep($ref)],
    );
    for (const field of [...fields.path, ...fields.query])
      compare(field, parameters?.find((each) => each?.name === field.jsonName)?.schema);
    const body = operation?.requestBody?.content['application/json']?.schema;
    if (fields.body?.message && body && bodyUsage !== 'file') compareAll(fields.body.message, resolved(body));
  }
  expect(limits).toBeGreaterThan(1_000);
  expect([...lacking]).toEqual([]);
});

function isItem({ $ref, anyOf = [] }: Schema = {}): boolean {
  return $ref === undefined ? anyOf.some(isItem) : $ref.endsWith('Item');
}

/** Without the reference, and without null as another value. */
function resolved(schema: Schema = {}): Schema {
  if (schema.$ref !== undefined) return resolved(components.schemas[lastStep(schema.$ref)]);
  return schema.anyOf ? resolved(schema.anyOf[0]) : schema;
}

function lastStep(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}
