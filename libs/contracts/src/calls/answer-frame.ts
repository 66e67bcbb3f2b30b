import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { AnswerFrame, JsonText, StreamedAnswer, StreamEnd } from '../gen/rapport/api/v1/calls_service.js';
import type { WrittenAnswer } from '../rest/json-answers.js';

/** JSON of an answer, as bytes or as the parts that its handler has written. */
export type AnswerText = JsonText | WrittenAnswer;

export type OutgoingAnswer = Omit<StreamedAnswer, 'json'> & { json: readonly AnswerText[] };

export interface OutgoingFrame {
  answers: readonly OutgoingAnswer[];
  end: StreamEnd;
}

/** The length of the JSON, in bytes. */
export function textBytes(json: AnswerText): number {
  return 'parts' in json ? json.bytes : json.text.length;
}

/**
 * Encodes an `AnswerFrame`, with the same bytes as the generated code. That makes about six buffers of the length of a text,
 * and V8 collects all garbage after a certain length of buffers: this made most of the processor time of a page of records.
 */
export function encodeAnswerFrame({ answers, end }: OutgoingFrame): Buffer {
  const lengths = answers.map(answerLength);
  const length = lengths.reduce((sum, each) => sum + delimitedLength(each), numberLength(end));
  const writer = new FrameWriter(length);
  for (const [index, answer] of answers.entries()) {
    writer.tag(1, 2);
    writer.varint(lengths[index] ?? 0);
    writeAnswer(writer, answer);
  }
  writer.number(2, end);
  return writer.buffer;
}

function answerLength({ number, code, answer, status, refused, json }: OutgoingAnswer): number {
  let length = numberLength(number) + numberLength(code) + bytesLength(answer.length) + bytesLength(status.length);
  if (refused) length += 2;
  for (const each of json) length += delimitedLength(jsonLength(each));
  return length;
}

function writeAnswer(writer: FrameWriter, { number, code, answer, status, refused, json }: OutgoingAnswer): void {
  writer.number(1, number);
  writer.number(2, code);
  writer.bytes(3, answer);
  writer.bytes(4, status);
  writer.number(5, refused ? 1 : 0);
  for (const each of json) {
    writer.tag(6, 2);
    writer.varint(jsonLength(each));
    writer.texts(1, [each.id], Buffer.byteLength(each.id));
    writer.texts(2, [each.etag], Buffer.byteLength(each.etag));
    if ('parts' in each) writer.texts(3, each.parts, each.bytes);
    else writer.bytes(3, each.text);
  }
}

function jsonLength(json: AnswerText): number {
  const { id, etag } = json;
  return bytesLength(Buffer.byteLength(id)) + bytesLength(Buffer.byteLength(etag)) + bytesLength(textBytes(json));
}

/** The length of a number with its tag; default values are left out. */
function numberLength(value: number): number {
  return value === 0 ? 0 : 1 + varintLength(value);
}

function bytesLength(length: number): number {
  return length === 0 ? 0 : delimitedLength(length);
}

function delimitedLength(length: number): number {
  return 1 + varintLength(length) + length;
}

function varintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

/** Writes fields with numbers below 16. Source: https://protobuf.dev/programming-guides/encoding/ */
class FrameWriter {
  readonly buffer: Buffer;
  #at = 0;

  constructor(length: number) {
    this.buffer = Buffer.allocUnsafe(length);
  }

  tag(field: number, wireType: number): void {
    this.buffer[this.#at++] = (field << 3) | wireType;
  }

  varint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.#at++] = rest;
  }

  number(field: number, value: number): void {
    if (value === 0) return;
    this.tag(field, 0);
    this.varint(value);
  }

  bytes(field: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.tag(field, 2);
    this.varint(bytes.length);
    this.buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** @param length of all parts in UTF-8, in bytes */
  texts(field: number, parts: readonly string[], length: number): void {
    if (length === 0) return;
    this.tag(field, 2);
    this.varint(length);
    for (const part of parts) this.#at += this.buffer.write(part, this.#at);
  }
}

const nothing = Buffer.alloc(0);

/**
 * Decodes an `AnswerFrame`. The bytes of an only answer are those of the frame, without a copy. Those of several are copied, so
 * that one that is kept does not keep the others.
 */
export function decodeAnswerFrame(bytes: Uint8Array): AnswerFrame {
  const reader = new BinaryReader(bytes);
  const frame: AnswerFrame = { answers: [], end: 0 };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === tags.answers) frame.answers.push(readAnswer(reader));
    else if (tag === tags.end) frame.end = reader.int32();
    else reader.skip(tag & 7);
  }
  if (frame.answers.length > 1) frame.answers.forEach(copyBytes);
  return frame;
}

/** Field numbers and wire types. */
const tags = { answers: 10, end: 16 };
const answerTags = { number: 8, code: 16, answer: 26, status: 34, refused: 40, json: 50 };
const jsonTags = { id: 10, etag: 18, text: 26 };

function readAnswer(reader: BinaryReader): StreamedAnswer {
  const end = reader.uint32() + reader.pos;
  const read: StreamedAnswer = { number: 0, code: 0, answer: nothing, status: nothing, refused: false, json: [] };
  while (reader.pos < end) {
    const tag = reader.uint32();
    switch (tag) {
      case answerTags.number:
        read.number = reader.uint32();
        break;
      case answerTags.code:
        read.code = reader.uint32();
        break;
      case answerTags.answer:
        read.answer = view(reader);
        break;
      case answerTags.status:
        read.status = view(reader);
        break;
      case answerTags.refused:
        read.refused = reader.bool();
        break;
      case answerTags.json:
        read.json.push(readJson(reader));
        break;
      default:
        reader.skip(tag & 7);
    }
  }
  return read;
}

function readJson(reader: BinaryReader): JsonText {
  const end = reader.uint32() + reader.pos;
  const read: JsonText = { id: '', etag: '', text: nothing };
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === jsonTags.id) read.id = reader.string();
    else if (tag === jsonTags.etag) read.etag = reader.string();
    else if (tag === jsonTags.text) read.text = view(reader);
    else reader.skip(tag & 7);
  }
  return read;
}

function view(reader: BinaryReader): Buffer {
  const { buffer, byteOffset, length } = reader.bytes();
  return Buffer.from(buffer, byteOffset, length);
}

function copyBytes(read: StreamedAnswer): void {
  read.answer = Buffer.from(read.answer);
  for (const json of read.json) json.text = Buffer.from(json.text);
}
