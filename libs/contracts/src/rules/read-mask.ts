import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { cutText, invalidArgument } from '@rapport/platform';
import type { ContractMethod } from '../descriptors/load-contract.js';
import { isReadMask } from '../descriptors/well-known.js';
import { absentValue } from '../descriptors/absent-value.js';

type Message = Record<string, unknown>;

/**
 * Lets a caller choose the fields of an answer (AIP-157): the request field `read_mask` names top-level fields of the
 * resource, in lower camel or snake case. The resource is the answer itself, or the items of the first repeated message
 * field of an answer named `…Response`. Unset or empty, it selects all.
 */
export class ReadMask {
  private constructor(
    /** The request field. */
    readonly field: DescField,
    readonly resource: DescMessage,
    /** The answer's field with the resources; undefined when the answer is the resource. */
    readonly list: DescField | undefined,
  ) {}

  /** Undefined for a method without a field `read_mask`. */
  static of({ path, desc, requestStream, responseStream }: ContractMethod): ReadMask | undefined {
    const field = desc.input.fields.find(isReadMask);
    if (!field) return undefined;
    if (requestStream || responseStream) throw new Error(`${path}: a stream has no read mask.`);
    const list = resourceList(desc.output);
    return new ReadMask(field, list?.message ?? desc.output, list);
  }

  /**
   * The JSON names of the requested fields; undefined for all.
   *
   * @throws AppError INVALID_ARGUMENT when the resource has no field of such a name
   */
  names(request: Message): ReadonlySet<string> | undefined {
    const given = request[this.field.jsonName] as string[] | undefined;
    if (!given || given.length === 0) return undefined;
    const { fields, name: resource } = this.resource;
    const known = new Map(fields.flatMap(({ name, jsonName }) => [[name, jsonName] as const, [jsonName, jsonName]]));
    return new Set(
      given.map((name) => {
        const found = known.get(name);
        if (found !== undefined) return found;
        const description = `must name fields of ${resource} only, separated by commas: ${quoted(name)} is none.`;
        throw invalidArgument([{ field: this.field.jsonName, reason: 'UNKNOWN_FIELD', description }]);
      }),
    );
  }

  /** The answer with all other fields of its resources unset. */
  clearOthers(answer: Message, names: ReadonlySet<string>): Message {
    const cleared = Object.fromEntries(
      this.resource.fields
        .filter(({ jsonName }) => !names.has(jsonName))
        .map((field) => [field.jsonName, field.fieldKind === 'list' ? [] : absentValue(field)]),
    );
    return this.#eachResource(answer, (resource) => ({ ...resource, ...cleared }));
  }

  /** The answer as JSON without all other fields of its resources. */
  leaveOutOthers(answer: Message, names: ReadonlySet<string>): Message {
    return this.#eachResource(answer, (resource) =>
      Object.fromEntries(Object.entries(resource).filter(([name]) => names.has(name))),
    );
  }

  #eachResource(answer: Message, change: (resource: Message) => Message): Message {
    if (!this.list) return change(answer);
    return { ...answer, [this.list.jsonName]: (answer[this.list.jsonName] as Message[]).map(change) };
  }
}

/** The start of a text of the request. */
function quoted(text: string): string {
  return `"${cutText(text, 60)}"`;
}

/** The field of an answer that has a list of resources; undefined for an answer that is the resource. */
export function resourceList({ name, fields }: DescMessage): DescField | undefined {
  if (!name.endsWith('Response')) return undefined;
  return fields.find((field) => field.fieldKind === 'list' && field.message !== undefined);
}
