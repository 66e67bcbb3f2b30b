import type { JsonSchema, OpenApi } from './open-api.ts';

/** The required fields with their examples; another field when none is required, since a patch must not be empty. */
export function validObject(openApi: OpenApi, schema: JsonSchema): Record<string, unknown> {
  const examples = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    // Beside a reference, and in the branch of a value that may be null too.
    const own = property.anyOf?.[0] ?? property;
    const field = resolve(openApi, own);
    return [name, field.items ? field.items.examples : (own.examples ?? field.examples)?.[0], field] as const;
  });
  const names = schema.required ?? examples.flatMap(([name, example]) => (example ? [name] : [])).slice(0, 1);
  return Object.fromEntries(
    examples
      .filter(([name]) => names.includes(name))
      .map(([name, example, field]) => [name, example ?? valueOf(openApi, field)]),
  );
}

/** A value of a required field without an example. */
function valueOf(openApi: OpenApi, schema: JsonSchema): unknown {
  if (schema.items) return [valueOf(openApi, resolve(openApi, schema.items))];
  if (schema.properties) return validObject(openApi, schema);
  return schema.format === 'uuid' ? crypto.randomUUID() : undefined;
}

/** Replaces the innermost text of a field. @param around objects that it is in, which can contain themselves */
export function nest(openApi: OpenApi, schema: JsonSchema, text: string, around: readonly JsonSchema[] = []): unknown {
  const own = resolve(openApi, schema.anyOf?.[0] ?? schema);
  if (own.items) return [nest(openApi, own.items, text, around)];
  if (!own.properties || around.includes(own)) return text;
  const within = [...around, own];
  return Object.fromEntries(
    Object.entries(own.properties).map(([name, field]) => [name, nest(openApi, field, text, within)]),
  );
}

/** Whether a schema allows a value, by its types and names alone. */
export function accepts(openApi: OpenApi, schema: JsonSchema, value: unknown): boolean {
  const own = resolve(openApi, schema.anyOf?.[0] ?? schema);
  const types = [own.type].flat();
  if (Array.isArray(value))
    return types.includes('array') && value.every((item) => accepts(openApi, own.items ?? {}, item));
  if (typeof value === 'object' && value !== null) {
    const { properties } = own;
    return (
      types.includes('object') && !own.required && (!properties || Object.keys(value).every((name) => properties[name]))
    );
  }
  if (typeof value === 'number')
    return types.includes('number') || (types.includes('integer') && Number.isInteger(value));
  return types.includes(typeof value);
}

/** A schema, or the one that it refers to. */
export function resolve(openApi: OpenApi, schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : (openApi.components.schemas[name] ?? {});
}
