import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { isFieldMask, isHttpBody, isStruct, isTimestamp } from '../descriptors/well-known.js';
import { problemForm, problemWriter } from './problem-message.js';

type Message = Record<string, unknown>;
type Json = Record<string, unknown>;

/**
 * Converts between a message as ts-proto has it and proto3 JSON. They differ in enums, which are numbers here and names
 * without prefix there, and in what absent looks like. Lists and plain scalars are always written, so that clients need
 * no defaults; what is optional and not set is left out. A message that stands for a problem is written as one.
 */
export class JsonCodec {
  readonly #fields: FieldCodec[];

  private constructor(desc: DescMessage, codecs: Map<string, JsonCodec>) {
    codecs.set(desc.typeName, this);
    this.#fields = desc.fields.map((field) => compileField(field, codecs));
  }

  /** @param codecs those made before, by type name; messages that contain each other share them */
  static of(desc: DescMessage, codecs: Map<string, JsonCodec>): JsonCodec {
    return codecs.get(desc.typeName) ?? new JsonCodec(desc, codecs);
  }

  /** @param index where the message, or the one that contains it, stands in a list */
  toJson(message: Message, index?: number): Json {
    const json: Json = {};
    for (const { name, list, write } of this.#fields) {
      const value = message[name];
      if (list) json[name] = write ? (value as unknown[]).map(write) : value;
      else if (value !== undefined) json[name] = write ? write(value, index) : value;
    }
    return json;
  }

  /** @param json checked against the message's JSON Schema */
  fromJson(json: Json): Message {
    const message: Message = {};
    for (const { name, list, read, absent } of this.#fields) {
      const value = json[name];
      if (value === undefined || value === null) message[name] = list ? [] : absent;
      else if (list) message[name] = read ? (value as unknown[]).map(read) : value;
      else message[name] = read ? read(value) : value;
    }
    return message;
  }
}

interface FieldCodec {
  name: string;
  list: boolean;
  /** Undefined when the value is the same on both sides. */
  write: ((value: unknown, index?: number) => unknown) | undefined;
  read: ((value: unknown) => unknown) | undefined;
  /** What ts-proto has for a value that is not set. */
  absent: unknown;
}

function compileField(field: DescField, codecs: Map<string, JsonCodec>): FieldCodec {
  return {
    name: field.jsonName,
    list: field.fieldKind === 'list',
    absent: absentValue(field),
    ...converters(field, codecs),
  };
}

function converters(field: DescField, codecs: Map<string, JsonCodec>): Pick<FieldCodec, 'read' | 'write'> {
  if (field.enum) {
    const names = new Map(field.enum.values.map((value) => [value.number, value.localName]));
    const numbers = new Map(field.enum.values.map((value) => [value.localName, value.number]));
    return {
      // A value that a newer service knows and this one does not is given as its number, in text as the others.
      write: (value) => (value === 0 ? undefined : (names.get(value as number) ?? String(value))),
      read: (name) => numbers.get(name as string),
    };
  }
  if (isFieldMask(field.message)) return fieldMaskConverters;
  if (!field.message || isPlain(field.message)) return { read: undefined, write: undefined };
  const codec = JsonCodec.of(field.message, codecs);
  const form = problemForm(field.message);
  const toProblem = form && problemWriter(field.message, form);
  return {
    write: (value, index) => toProblem?.(value as Message, index) ?? codec.toJson(value as Message, index),
    read: (value) => codec.fromJson(value as Json),
  };
}

/** In JSON the paths of a mask are one text (the ProtoJSON format); ts-proto has a list of them. */
const fieldMaskConverters: Pick<FieldCodec, 'read' | 'write'> = {
  write: (paths) => (paths as string[]).join(','),
  read: (text) => (text as string).split(','),
};

/** ts-proto has a timestamp as text and a struct as the object that it stands for; the edge handles raw bytes itself. */
function isPlain(message: DescMessage): boolean {
  return isTimestamp(message) || isStruct(message) || isHttpBody(message);
}

/** What ts-proto has for a field that is not set and is no list. */
export function absentValue(field: DescField): unknown {
  if (field.presence === FeatureSet_FieldPresence.EXPLICIT || field.message) return undefined;
  if (field.scalar === ScalarType.STRING) return '';
  return field.scalar === ScalarType.BOOL ? false : 0;
}
