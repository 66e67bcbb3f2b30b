import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AnswerFrame } from '../gen/rapport/api/v1/calls_service.js';
import { WrittenAnswer } from '../rest/json-answers.js';
import { encodeAnswerFrame } from './answer-frame.js';
import { decodeAnswerFrame } from './frames.js';

const uint32 = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const bytes = fc
  .oneof(fc.uint8Array(), fc.uint8Array({ minLength: 120, maxLength: 20_000 }))
  .map((each) => Buffer.from(each));
const text = fc.string({ unit: 'binary', maxLength: 200 });
const written = fc
  .tuple(fc.array(text, { maxLength: 5 }), text, text)
  .map(([parts, id, etag]) => new WrittenAnswer(parts, id, etag));
const json = fc.oneof(fc.record({ id: text, etag: text, text: bytes }), written);
const answer = fc.record({
  number: uint32,
  code: fc.integer({ min: 0, max: 16 }),
  answer: bytes,
  status: bytes,
  refused: fc.boolean(),
  json: fc.array(json, { maxLength: 3 }),
});

test('a frame of answers has the bytes of the generated code, and is read as by it', () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 3 }), fc.constantFrom(0, 1, 2), (answers, end) => {
      const whole = answers.map((each) => ({
        ...each,
        json: each.json.map(({ id, etag, ...rest }) => {
          return { id, etag, text: 'parts' in rest ? Buffer.from(rest.parts.join('')) : rest.text };
        }),
      }));
      const wanted = Buffer.from(AnswerFrame.encode({ answers: whole, end }).finish());
      expect(encodeAnswerFrame({ answers, end }).equals(wanted)).toBe(true);
      expect(decodeAnswerFrame(wanted)).toEqual(AnswerFrame.decode(wanted));
    }),
    { numRuns: 300 },
  );
});

test('fields of a newer release are skipped', () => {
  const unknown = Buffer.from([0x7a, 2, 1, 2, 0x78, 5]);
  const json = Buffer.concat([Buffer.from([0x0a, 1, 0x61]), unknown]);
  const answers = Buffer.concat([Buffer.from([0x08, 7]), unknown, Buffer.from([0x32, json.length]), json]);
  const frame = Buffer.concat([unknown, Buffer.from([0x0a, answers.length]), answers]);

  expect(decodeAnswerFrame(frame)).toEqual(AnswerFrame.decode(frame));
  expect(decodeAnswerFrame(frame).answers[0]).toMatchObject({ number: 7, json: [{ id: 'a' }] });
});
