import type { DescMessage } from '@bufbuild/protobuf';
import type { FieldViolation } from '@rapport/platform';
import type { Contract } from '../descriptors/load-contract.js';
import { reachableMessages } from '../descriptors/reachable-messages.js';

type Message = Record<string, unknown>;

/** Checks that messages are not nested in messages of their type more deeply than the `max_depth` of the type. */
export class NestingDepth {
  readonly #fields = new Map<string, readonly NestingField[]>();

  constructor(private readonly contract: Contract) {}

  /**
   * The first message that is too deep; undefined if there is none.
   *
   * @param prefix of paths of its fields
   * @param levels of each limited type around the message
   */
  violation(
    desc: DescMessage,
    message: object,
    prefix = '',
    levels: ReadonlyMap<string, number> = new Map(),
  ): FieldViolation | undefined {
    for (const { name, message: type, limit } of this.#nesting(desc)) {
      const level = (levels.get(type.typeName) ?? 0) + 1;
      const around = limit === undefined ? levels : new Map(levels).set(type.typeName, level);
      const value = (message as Message)[name];
      for (const [index, item] of [value ?? []].flat().entries()) {
        const path = `${prefix}${name}${Array.isArray(value) ? `[${index}]` : ''}`;
        if (limit !== undefined && level > limit) {
          return { field: path, reason: 'TOO_DEEP', description: `must have at most ${limit} levels.` };
        }
        const found = this.violation(type, item, `${path}.`, around);
        if (found) return found;
      }
    }
    return undefined;
  }

  /** The fields through which a message reaches one with a limit. */
  #nesting(desc: DescMessage): readonly NestingField[] {
    let fields = this.#fields.get(desc.typeName);
    if (!fields) {
      const limitOf = (message: DescMessage) => this.contract.maxDepth(message);
      fields = desc.fields.flatMap(({ jsonName: name, message }) =>
        message && [...reachableMessages(message)].some((each) => limitOf(each) !== undefined)
          ? [{ name, message, limit: limitOf(message) }]
          : [],
      );
      this.#fields.set(desc.typeName, fields);
    }
    return fields;
  }
}

interface NestingField {
  /** JSON name, which is also ts-proto's. */
  name: string;
  message: DescMessage;
  limit: number | undefined;
}
