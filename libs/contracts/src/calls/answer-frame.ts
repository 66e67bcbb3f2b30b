import type { JsonText, StreamedAnswer, StreamEnd } from '../gen/rapport/api/v1/calls_service.js';
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
