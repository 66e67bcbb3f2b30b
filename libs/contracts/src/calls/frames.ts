import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { CallCause, CallContext } from '@rapport/platform';
import type { AnswerFrame, JsonText, StreamedAnswer, StreamedCall } from '../gen/rapport/api/v1/calls_service.js';

/** Most calls in flight on a stream. */
export const maxRunningCalls = 4_000;
/** Most principal tokens that a stream may hold. */
export const maxTokens = 10_000;
/** Largest encoded request that a stream carries, in bytes: a larger one would delay the calls behind it. */
export const maxRequestBytes = 256 * 1024;
/** Largest encoded answer of any call, in bytes: the clients' limit of one message, less its envelope. */
export const maxAnswerBytes = 63 * 1024 * 1024;
/** Largest frame of more than one part, in bytes. */
const maxFrameBytes = 1024 * 1024;

/** Callbacks at the end of this turn of the event loop: first those that make calls, then those that send them. */
const endOfTurn: Record<'makes' | 'sends', (() => void)[]> = { makes: [], sends: [] };
let isTurnEnding = false;

/** Calls back at the end of this turn of the event loop, before the calls that were made in it are sent. */
export function atEndOfTurn(make: () => void): void {
  endOfTurn.makes.push(make);
  endTurnSoon();
}

/** Calls back at the end of this turn, after the calls of the turn were made. */
export function sendAtEndOfTurn(send: () => void): void {
  endOfTurn.sends.push(send);
  endTurnSoon();
}

function endTurnSoon(): void {
  if (isTurnEnding) return;
  isTurnEnding = true;
  setImmediate(() => {
    for (const kind of ['makes', 'sends'] as const) {
      const due = endOfTurn[kind];
      endOfTurn[kind] = [];
      for (const each of due) each();
    }
    isTurnEnding = false;
    if (endOfTurn.makes.length + endOfTurn.sends.length > 0) endTurnSoon();
  });
}

/** Divides the parts of one turn of the event loop into frames. A part that is larger than a frame gets its own. */
export function* frames<Part>(parts: readonly Part[], bytesOf: (part: Part) => number): Generator<readonly Part[]> {
  let from = 0;
  let bytes = 0;
  for (const [index, part] of parts.entries()) {
    const partBytes = bytesOf(part);
    if (index > from && bytes + partBytes > maxFrameBytes) {
      yield parts.slice(from, index);
      [from, bytes] = [index, 0];
    }
    bytes += partBytes;
  }
  if (from < parts.length) yield parts.slice(from);
}

const maxOriginLength = 100;

/**
 * The context of a call between services, in a frame or in metadata, without its principal: the token of that has a number in
 * frames. Empty texts and 0 stand for absent values.
 */
export type CallFields = Pick<
  StreamedCall,
  'requestId' | 'origin' | 'causationId' | 'hop' | 'clientAddress' | 'userAgent'
>;

/** The context of a call that a client sends with it. */
export interface OutgoingCall extends Pick<CallContext, 'requestId' | 'cause' | 'client'> {
  /** Issued by auth; absent for a call of the process itself. */
  principalToken?: string | undefined;
}

/** The context of a call that a service has received. None of it is verified. The token is empty for a call without one. */
export type ReceivedCall = OutgoingCall & { principalToken: string };

export function callFields({ requestId, cause, client }: OutgoingCall): CallFields {
  return {
    requestId,
    origin: cause?.origin ?? '',
    causationId: cause?.causationId ?? '',
    hop: cause?.hop ?? 0,
    clientAddress: client?.address ?? '',
    userAgent: client?.userAgent ?? '',
  };
}

/** Leaves out what `CallCause` does not allow. */
export function receivedCall(fields: CallFields, principalToken: string): ReceivedCall {
  const { requestId, clientAddress: address, userAgent } = fields;
  return { requestId, principalToken, ...(address && { client: { address, userAgent } }), ...readCause(fields) };
}

function readCause(fields: CallFields): { cause?: CallCause } {
  const { causationId, hop } = fields;
  const origin = fields.origin.length > maxOriginLength ? '' : fields.origin;
  if (!origin && !causationId && !(hop > 0)) return {};
  return { cause: { ...(origin && { origin }), ...(causationId && { causationId }), ...(hop > 0 && { hop }) } };
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
