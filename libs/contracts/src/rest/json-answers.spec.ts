import { ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { isFieldMask, isHttpBody, isStruct, isTimestamp } from '../descriptors/well-known.js';
import { AnswerForm } from '../gen/rapport/api/v1/calls_service.js';
import { serviceDefinitions } from '../gen/services.js';
import { absentValue } from '../descriptors/absent-value.js';
import { jsonAnswer } from './json-answers.js';
import type { JsonCodec } from './json-codec.js';

type Message = Record<string, unknown>;

const code = new Map(serviceDefinitions.flatMap((service) => Object.values(service)).map((each) => [each.path, each]));
const codecs = new Map<string, JsonCodec>();
const answering = platformContract().methods.filter(
  ({ desc, requestStream, responseStream }) =>
    !requestStream && !responseStream && desc.output.fields.length > 0 && !isHttpBody(desc.output),
);

/** A method for each type of answers, whose JSON is the same for all that answer with it. */
const ofEachType = [...new Map(answering.map((method) => [method.desc.output.typeName, method])).values()];

/** Halves of characters, what JSON escapes, names of prototypes, and ordinary text. */
const text = fc.oneof(
  fc.constantFrom(
    '',
    'Ada',
    '\ud800',
    'a\udfffb',
    '\u{1f600}',
    '"\\\n\u0000',
    '\u2028',
    '__proto__',
    '\\ud800',
    'toJSON',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const time = fc.oneof(
  fc.constantFrom(
    '2026-01-31T09:30:00.000Z',
    '2026-02-29T09:30:00.000Z',
    '2024-02-29T09:30:00.000Z',
    '2026-04-30T09:30:00.000Z',
    '2026-04-31T09:30:00.000Z',
    '2026-11-29T23:59:59.999Z',
    '2026-01-31T09:30:00Z',
    '2026-01-31T09:30:00.123456Z',
    '2026-01-31T09:30:00.999999+05:30',
    '1969-12-31T23:59:59.999Z',
    '0001-01-01T00:00:00.000Z',
  ),
  fc.date({ min: new Date(0), noInvalidDate: true }).map((date) => date.toISOString()),
);
const struct = fc.dictionary(text, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 });

describe('the JSON of an answer', () => {
  it.each(ofEachType.map((method) => [method.path, method] as const))(
    'of %s is the same before it is encoded and after',
    (path, { desc }) => {
      const write = (form: AnswerForm, message: Message) => jsonAnswer(form, desc.output, message, codecs);
      const { responseSerialize, responseDeserialize } = code.get(path) ?? fail(path);
      fc.assert(
        fc.property(messageOf(desc.output, 3), (message) => {
          const decoded = responseDeserialize(responseSerialize(message)) as Message;
          for (const form of [AnswerForm.JSON, AnswerForm.JSON_RECORDS])
            expect(write(form, message)).toEqual(write(form, decoded));
          const [whole] = write(AnswerForm.JSON, message) ?? [];
          expect(() => JSON.parse(String(whole?.text)) as unknown).not.toThrow();
        }),
        { numRuns: 15 },
      );
    },
  );

  it('has one text for each record, which is the one that it has in the list', () => {
    const { desc } = answering.find(({ name }) => name === 'BatchGetCustomers') ?? fail('BatchGetCustomers');
    const write = (form: AnswerForm, message: Message) => jsonAnswer(form, desc.output, message, codecs);
    fc.assert(
      fc.property(messageOf(desc.output, 3), (message) => {
        const records = write(AnswerForm.JSON_RECORDS, message) ?? [];
        const [whole] = write(AnswerForm.JSON, message) ?? [];
        const { customers } = JSON.parse(String(whole?.text)) as { customers: Message[] };
        expect(records.map((record) => JSON.parse(String(record.text)) as unknown)).toEqual(customers);
        expect(records.map(({ id, etag }) => ({ id, etag }))).toEqual(
          (message['customers'] as { id: string; etag: string }[]).map(({ id, etag }) => ({
            id: id.toWellFormed(),
            etag: etag.toWellFormed(),
          })),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('is sent in protobuf when a service does not support the form, and where there are no records', () => {
    const { desc } = answering.find(({ name }) => name === 'GetCustomer') ?? fail('GetCustomer');
    const write = (form: AnswerForm, message: Message) => jsonAnswer(form, desc.output, message, codecs);
    expect(write(99 as AnswerForm, {})).toBeUndefined();
    expect(write(AnswerForm.JSON_RECORDS, {})).toBeUndefined();
  });
});

/** By type and depth. */
const messages = new Map<string, Arbitrary<Message>>();

/** A message as a handler gives it. Problems are made of texts of our own. */
function messageOf(desc: DescMessage, depth: number): Arbitrary<Message> {
  const key = `${desc.typeName} ${depth}`;
  const known = messages.get(key);
  if (known) return known;
  const fields = desc.fields.map((field) => [field.jsonName, valueOf(field, depth)] as const);
  const message = fc.record<Message>(Object.fromEntries(fields));
  messages.set(key, message);
  return message;
}

function valueOf(field: DescField, depth: number): Arbitrary<unknown> {
  const absent = fc.constant(absentValue(field));
  if (field.fieldKind === 'list')
    return depth === 0 ? fc.constant([]) : fc.array(itemOf(field, depth), { maxLength: 2 });
  if (field.message && depth === 0) return absent;
  return fc.oneof(absent, itemOf(field, depth));
}

function itemOf({ message, enum: values, scalar }: DescField, depth: number): Arbitrary<unknown> {
  if (values) return fc.constantFrom(...values.values.map(({ number }) => number), 99);
  if (isTimestamp(message)) return time;
  if (isStruct(message)) return struct;
  if (isFieldMask(message)) return fc.array(text, { maxLength: 2 });
  if (message) return messageOf(message, depth - 1);
  switch (scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.INT32:
      return fc.integer();
    case ScalarType.UINT32:
      return fc.nat();
    case ScalarType.DOUBLE:
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    default:
      return fail(`a value of kind ${scalar}`);
  }
}

function fail(what: string): never {
  throw new Error(`There is no ${what}.`);
}
