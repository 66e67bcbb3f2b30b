import type { DescMessage } from '@bufbuild/protobuf';
import { AnswerForm, type JsonText } from '../gen/rapport/api/v1/calls_service.js';
import { resourceList } from '../rules/read-mask.js';
import { JsonCodec } from './json-codec.js';

type Message = Record<string, unknown>;

/** Writes the answers of one method in the JSON forms of streams of calls. */
export class JsonAnswers {
  readonly #codec: JsonCodec;
  readonly #list: { name: string; codec: JsonCodec } | undefined;

  /** @param codecs those made before, by type name */
  constructor(output: DescMessage, codecs: Map<string, JsonCodec>) {
    this.#codec = JsonCodec.of(output, codecs);
    const list = resourceList(output);
    this.#list = list?.message && { name: list.jsonName, codec: JsonCodec.of(list.message, codecs) };
  }

  /** @returns undefined in protobuf, which is also for a form that such answers do not have */
  write(form: AnswerForm, answer: Message): JsonText[] | undefined {
    if (form === AnswerForm.JSON) return [jsonText(this.#codec, answer)];
    const list = this.#list;
    if (form !== AnswerForm.JSON_RECORDS || !list) return undefined;
    return (answer[list.name] as Message[]).map((record) => jsonText(list.codec, record));
  }
}

function jsonText(codec: JsonCodec, message: Message): JsonText {
  const { id, etag } = message;
  return {
    id: typeof id === 'string' ? id.toWellFormed() : '',
    etag: typeof etag === 'string' ? etag.toWellFormed() : '',
    text: Buffer.from(codec.toText(message)),
  };
}
