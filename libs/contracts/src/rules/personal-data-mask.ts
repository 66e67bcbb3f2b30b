import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { Contract } from '../descriptors/load-contract.js';
import { reachableMessages } from '../descriptors/reachable-messages.js';

type Message = Record<string, unknown>;

/** Replaces personal data that a caller may not see: it shows that there is a value. */
export const maskText = '***';

/** A field that is personal data, or contains some in its message. */
interface PersonalField {
  /** JSON name, which is also ts-proto's. */
  name: string;
  /** The type of a message value; undefined for a text that is personal data itself. */
  message: DescMessage | undefined;
}

/** Hides the `pii` fields of the contract, at any depth of a message. */
export class PersonalDataMask {
  readonly #fields = new Map<string, readonly PersonalField[]>();
  readonly #hasPersonal = new Map<string, boolean>();

  constructor(private readonly contract: Contract) {}

  /** JSON names of the fields of a message that are, or contain, personal data. */
  fieldNames(desc: DescMessage): ReadonlySet<string> {
    return new Set(this.#personal(desc).map(({ name }) => name));
  }

  /** The message with `maskText` in place of each value that is personal data. Unset fields stay unset. */
  hide<Shown extends object>(desc: DescMessage, message: Shown): Shown {
    return this.#replaceValues(desc, message, maskOf);
  }

  /** The message with `change` applied to each text that is personal data. Unset fields stay unset. */
  replace<Shown extends object>(desc: DescMessage, message: Shown, change: (text: string) => string): Shown {
    return this.#replaceValues(desc, message, (value) => change(value as string));
  }

  #replaceValues<Shown extends object>(desc: DescMessage, message: Shown, change: (value: unknown) => unknown): Shown {
    const fields = this.#personal(desc);
    if (fields.length === 0) return message;
    const replaced: Message = { ...(message as Message) };
    for (const { name, message: type } of fields) {
      replaced[name] = eachValue(replaced[name], (value) =>
        type ? this.#replaceValues(type, value as Message, change) : change(value),
      );
    }
    return replaced as Shown;
  }

  /** Paths of the personal data in a message whose value is `maskText`: the sender has seen only the mask. */
  maskedPaths(desc: DescMessage, message: object, prefix = ''): string[] {
    return this.#personal(desc).flatMap(({ name, message: type }) => {
      const value = (message as Message)[name];
      const values = Array.isArray(value) ? (value as unknown[]) : [value];
      return values.flatMap((item, index) => {
        const path = `${prefix}${name}${Array.isArray(value) ? `[${index}]` : ''}`;
        if (type && item) return this.maskedPaths(type, item, `${path}.`);
        return isMask(item) ? [path] : [];
      });
    });
  }

  #personal(desc: DescMessage): readonly PersonalField[] {
    let fields = this.#fields.get(desc.typeName);
    if (!fields) {
      fields = desc.fields.flatMap((field): PersonalField[] => {
        const name = field.jsonName;
        if (this.#isPersonal(field)) return [{ name, message: undefined }];
        return field.message && this.#reachesPersonal(field.message) ? [{ name, message: field.message }] : [];
      });
      this.#fields.set(desc.typeName, fields);
    }
    return fields;
  }

  #isPersonal(field: DescField): boolean {
    const { pii, secret } = this.contract.rules(field);
    return pii && !secret;
  }

  /** Whether a message, or one in it at any depth, has a field that is personal data. Messages may contain each other. */
  #reachesPersonal(desc: DescMessage): boolean {
    let answer = this.#hasPersonal.get(desc.typeName);
    if (answer === undefined) {
      answer = [...reachableMessages(desc)].some(({ fields }) => fields.some((field) => this.#isPersonal(field)));
      this.#hasPersonal.set(desc.typeName, answer);
    }
    return answer;
  }
}

/** Of a JSON object (`Struct`), an object with the mask alone: its keys may be personal data too. */
function maskOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return maskText;
  return Object.keys(value).length === 0 ? value : { [maskText]: maskText };
}

function isMask(value: unknown): boolean {
  return value === maskText || (typeof value === 'object' && value !== null && Object.hasOwn(value, maskText));
}

/** Changes a value or each item of a list. Absent ones, and the empty text that stands for one, stay. */
function eachValue(value: unknown, change: (value: unknown) => unknown): unknown {
  if (value === undefined || value === '') return value;
  return Array.isArray(value) ? value.map(change) : change(value);
}
