import type { DescMessage } from '@bufbuild/protobuf';
import { AnswerForm, type JsonText } from '../gen/rapport/api/v1/calls_service.js';
import { resourceList } from '../rules/read-mask.js';
import { JsonCodec } from './json-codec.js';

type Message = Record<string, unknown>;

/** An answer that its handler has written as JSON itself, for a call whose context says `takesJson`. */
export class WrittenAnswer {
  /** The length of the JSON, in bytes. */
  readonly bytes: number;

  /**
   * @param parts of the JSON, well-formed texts. They are written one by one: joining them would take as long.
   * @param id and etag of a record; empty for other messages
   */
  constructor(
    readonly parts: readonly string[],
    readonly id = '',
    readonly etag = '',
  ) {
    this.bytes = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  }
}

/**
 * An answer in a JSON form of call streams.
 *
 * @param codecs those made before, by type name
 * @returns undefined for an answer that is sent in protobuf, such as one in a form that it does not support
 */
export function jsonAnswer(
  form: AnswerForm,
  output: DescMessage,
  answer: Message,
  codecs: Map<string, JsonCodec>,
): JsonText[] | undefined {
  if (form === AnswerForm.JSON) return [jsonText(JsonCodec.of(output, codecs), answer)];
  const list = form === AnswerForm.JSON_RECORDS ? resourceList(output) : undefined;
  if (!list?.message) return undefined;
  const codec = JsonCodec.of(list.message, codecs);
  return (answer[list.jsonName] as Message[]).map((record) => jsonText(codec, record));
}

function jsonText(codec: JsonCodec, message: Message): JsonText {
  const { id, etag } = message;
  return {
    id: typeof id === 'string' ? id.toWellFormed() : '',
    etag: typeof etag === 'string' ? etag.toWellFormed() : '',
    text: Buffer.from(codec.toText(message)),
  };
}
