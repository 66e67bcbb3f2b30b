import type { DescMessage } from '@bufbuild/protobuf';
import type { Contract } from '../descriptors/load-contract.js';
import { JsonSchemas, type JsonSchema, type Usage } from './json-schema.js';

/** Keyword of our validator: an object that may contain one of its kind. */
export const nestedKeyword = 'nested';

/**
 * Schemas that stand alone: a message within another one is in its place. One that may contain itself is a definition of the
 * whole (`$defs`), and the schema does not say how deep it may be: the service checks `max_depth`.
 */
export class BodySchemas {
  readonly schemas: JsonSchemas;
  /** The messages around the current one, to notice one that contains itself without a limit. */
  readonly #open = new Set<string>();
  #definitions = new Map<string, JsonSchema>();

  constructor(contract: Contract) {
    this.schemas = new JsonSchemas(contract, (_, message, usage) => {
      if (contract.maxDepth(message) !== undefined) return this.#reference(message, usage);
      if (this.#open.has(message.typeName)) throw new Error(`${message.typeName} contains itself: set max_depth.`);
      this.#open.add(message.typeName);
      const schema = this.schemas.message(message, usage);
      this.#open.delete(message.typeName);
      return schema;
    });
  }

  of(message: DescMessage, usage: Usage): JsonSchema {
    this.#definitions = new Map();
    const schema = this.schemas.message(message, usage);
    return this.#definitions.size === 0 ? schema : { ...schema, $defs: Object.fromEntries(this.#definitions) };
  }

  #reference(message: DescMessage, usage: Usage): JsonSchema {
    const name = `${message.typeName}.${usage}`;
    if (!this.#definitions.has(name)) {
      // Put in first, so that a message that contains itself ends.
      this.#definitions.set(name, {});
      this.#definitions.set(name, { [nestedKeyword]: true, ...this.schemas.message(message, usage) });
    }
    return { $ref: `#/$defs/${name}` };
  }
}
