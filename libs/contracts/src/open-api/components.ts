import type { DescMessage } from '@bufbuild/protobuf';
import { ownKeywords, type JsonSchema, type JsonSchemas, type Usage } from '../rest/json-schema.js';
import { problemForm } from '../rest/problem-message.js';
import { schemaName } from './schema-names.js';

/** The schemas of the messages of a document, each under one name. */
export class SchemaComponents {
  readonly #schemas = new Map<string, JsonSchema>();
  /** The messages that have the names, to notice two of one name. */
  readonly #messages = new Map<string, string>();

  get all(): Record<string, JsonSchema> {
    return Object.fromEntries(this.#schemas);
  }

  reference(schemas: JsonSchemas, message: DescMessage, usage: Usage): JsonSchema {
    if (usage === 'output' && problemForm(message)) return { $ref: '#/components/schemas/Problem' };
    const name = schemaName(message, usage);
    // Messages of one name in several packages have one schema. A test compares them.
    const owner = `${message.name} ${usage}`;
    const known = this.#messages.get(name) ?? owner;
    if (known !== owner) throw new Error(`${known} and ${owner} would both be the schema ${name}.`);
    if (!this.#schemas.has(name)) {
      this.#messages.set(name, owner);
      // Put in first, so that a message that contains itself ends.
      this.#schemas.set(name, {});
      this.#schemas.set(name, forDocument(schemas.message(message, usage)));
    }
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** Leaves out what only our validator knows: own keywords, and fields that may not be set. */
export function forDocument(schema: JsonSchema): JsonSchema {
  const { properties, items, anyOf, ...rest } = schema as {
    properties?: Record<string, JsonSchema | false>;
    items?: JsonSchema;
    anyOf?: JsonSchema[];
  };
  const own = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !ownKeywords.some((keyword) => keyword === key)),
  );
  const visible = Object.entries(properties ?? {}).flatMap(([name, property]) =>
    property === false ? [] : [[name, forDocument(property)] as const],
  );
  return {
    ...own,
    ...(properties ? { properties: Object.fromEntries(visible) } : {}),
    ...(items ? { items: forDocument(items) } : {}),
    ...(anyOf ? { anyOf: anyOf.map(forDocument) } : {}),
  };
}
