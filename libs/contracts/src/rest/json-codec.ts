import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { absentValue } from '../descriptors/absent-value.js';
import { isFieldMask, isHttpBody, isStruct, isTimestamp, isUpdateMask } from '../descriptors/well-known.js';
import { problemForm, problemWriter } from './problem-message.js';
import type { RequestParts, RestRoute } from './rest-route.js';

type Message = Record<string, unknown>;
type Json = Record<string, unknown>;

/**
 * Converts between ts-proto's form of a message and proto3 JSON. They differ in enums, which are numbers here and names
 * without prefix there, and in what absent looks like. Lists and plain scalars are always written, so that clients need no
 * defaults; unset optional fields are omitted. A message that represents a problem is written as one.
 */
export class JsonCodec {
  readonly #fields: FieldCodec[];
  /** JSON names of an update mask, and of the message whose fields it names. Only an item of a batch can have a mask of its own. */
  readonly #update: { mask: string; of: string; canBeGiven: boolean } | undefined;

  private constructor(desc: DescMessage, codecs: Map<string, JsonCodec>) {
    codecs.set(desc.typeName, this);
    this.#fields = desc.fields.map((field) => compileField(field, codecs));
    const mask = desc.fields.find((field) => isUpdateMask(field) || isMaskOfItem(field));
    const of = desc.fields.find(({ message }) => message && !isFieldMask(message) && !isTimestamp(message))?.jsonName;
    this.#update = mask && of !== undefined ? { mask: mask.jsonName, of, canBeGiven: isMaskOfItem(mask) } : undefined;
  }

  /** @param codecs those made before, by type name; messages that contain each other share them */
  static of(desc: DescMessage, codecs: Map<string, JsonCodec>): JsonCodec {
    return codecs.get(desc.typeName) ?? new JsonCodec(desc, codecs);
  }

  /** @param index index of the message, or of the one that contains it, in a list */
  toJson(message: Message, index?: number): Json {
    const json: Json = {};
    for (const { name, list, write } of this.#fields) {
      const value = message[name];
      if (list) json[name] = write ? (value as unknown[]).map(write) : value;
      else if (value !== undefined) json[name] = write ? write(value, index) : value;
    }
    return json;
  }

  /**
   * The text of that JSON, in the order of the contract. It is the same, byte for byte, for a message that was encoded and decoded
   * meanwhile: the service writes it, or the edge does.
   */
  toText(message: Message): string {
    const json = this.toJson(message);
    const text = JSON.stringify(json);
    return changedByCoding.test(text) ? JSON.stringify(json, asDecoded) : text;
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
    // JSON names the fields to change by having them (AIP-134), null included.
    const update = this.#update;
    if (!update || !json[update.of]) return message;
    const isGiven = update.canBeGiven && (message[update.mask] as unknown[]).length > 0;
    if (!isGiven) message[update.mask] = Object.keys(json[update.of] as Json);
    return message;
  }
}

/** The mask of an item of a batch update, which is a list of texts: a mask of the well-known type has another JSON form. */
function isMaskOfItem(field: DescField): boolean {
  return field.name === 'update_mask' && field.fieldKind === 'list' && field.listKind === 'scalar';
}

interface FieldCodec {
  name: string;
  list: boolean;
  /** Undefined when the value is the same on both sides. */
  write: ((value: unknown, index?: number) => unknown) | undefined;
  read: ((value: unknown) => unknown) | undefined;
  /** ts-proto's form of an unset value. */
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
      // A value of a newer service that this one does not have is written as its number, as text like the others.
      write: (value) => (value === 0 ? undefined : (names.get(value as number) ?? String(value))),
      read: (name) => numbers.get(name as string),
    };
  }
  if (isFieldMask(field.message)) return fieldMaskConverters;
  if (isTimestamp(field.message)) return { read: undefined, write: timestampText as (value: unknown) => string };
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

/** The text that ts-proto makes when it decodes a timestamp: in UTC, with milliseconds. February 29 is read as a date. */
const decodedTime =
  /^\d{4}-(?:(?:0\d|1[0-2])-(?:[01]\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** The last text of this form: the times of a record are often equal. */
let knownTime = '';

function timestampText(text: string): string {
  if (text === knownTime) return text;
  if (!decodedTime.test(text)) return new Date(text).toISOString();
  knownTime = text;
  return text;
}

/** Unpaired surrogates, which have no UTF-8 form, and a key of a Struct that decoding drops. */
const changedByCoding = /\\ud[89a-f]|__proto__/;

function asDecoded(key: string, value: unknown): unknown {
  if (key === '__proto__') return undefined;
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name.toWellFormed(), item as unknown]));
}

/** ts-proto represents a Struct by a plain object; the edge handles raw bytes itself. */
function isPlain(message: DescMessage): boolean {
  return isStruct(message) || isHttpBody(message);
}

/**
 * The last event id of a reader of server-sent events (the HTML standard, section 9.2.4): a stream with a cursor resumes
 * after it.
 */
const lastEventId = 'last-event-id';

/** Builds the request message of a route from the parts of an HTTP request. */
export function messageMaker(
  route: Pick<RestRoute, 'method' | 'fields' | 'bodyUsage' | 'status' | 'readMask'>,
  codecs: Map<string, JsonCodec>,
): RestRoute['toMessage'] {
  const { desc, path } = route.method;
  const { body, header, allHeaders } = route.fields;
  const codec = JsonCodec.of(desc.input, codecs);
  const updateMask = desc.input.fields.find(isUpdateMask);
  if (route.bodyUsage === 'patch' && !updateMask) throw new Error(`${path}: a patch needs an update_mask.`);
  const readMask = route.readMask?.field.jsonName;
  const sources = headerSources(route);
  const hasCursor = route.method.responseStream && desc.input.fields.some(({ name }) => name === 'cursor');
  return (parts) => {
    const json: Json = { ...parts.params, ...parts.query };
    for (const { name, field } of header) json[field.jsonName] = parts.headers[name];
    // A browser that reconnects sends the last event id, and repeats the first query.
    if (hasCursor && parts.headers[lastEventId]) json['cursor'] = parts.headers[lastEventId];
    if (body && route.bodyUsage === 'bytes') json[body.jsonName] = httpBody(parts);
    else if (body && route.bodyUsage !== 'file') json[body.jsonName] = parts.body;
    if (allHeaders)
      json[allHeaders.jsonName] = Object.entries(parts.headers).map(([name, value]) => ({
        name,
        value: String(value),
      }));
    const message = codec.fromJson(json);
    if (readMask && message[readMask]) message[readMask] = [...(message[readMask] as string[]), ...sources];
    return message;
  };
}

/** A complete body of raw bytes, as a google.api.HttpBody. Without a body there are none. */
function httpBody({ headers, body }: RequestParts): Json {
  const data = body instanceof Uint8Array ? body : new Uint8Array();
  return { contentType: headers['content-type'] ?? '', data, extensions: [] };
}

/** Writes the JSON of a route's answer. */
export function textMaker(
  { method, readMask }: Pick<RestRoute, 'method' | 'readMask'>,
  codecs: Map<string, JsonCodec>,
): RestRoute['toText'] {
  const codec = JsonCodec.of(method.desc.output, codecs);
  if (!readMask) return (response) => codec.toText(response);
  const { jsonName } = readMask.field;
  return (response, { query }) => {
    const names = readMask.names({ [jsonName]: (query[jsonName] as string | undefined)?.split(',') });
    return names ? JSON.stringify(readMask.leaveOutOthers(codec.toJson(response), names)) : codec.toText(response);
  };
}

/** The fields that the headers of an answer are made of: the service must return them even if the read mask omits them. */
function headerSources({ method, status, readMask }: Pick<RestRoute, 'method' | 'status' | 'readMask'>): string[] {
  if (!readMask || readMask.list) return [];
  const names = status === 201 ? ['etag', 'id'] : ['etag'];
  return names.filter((name) => method.desc.output.fields.some((field) => field.name === name));
}
