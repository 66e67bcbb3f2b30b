import type { EntityManager } from '@mikro-orm/postgresql';
import { JsonCodec, WrittenAnswer } from '@rapport/contracts';
import { readForTenant } from '@rapport/persistence';
import { callContext, currentCaller } from '@rapport/platform';
import type { RecordType } from '../fields/record-type.js';
import { openStored, type StoredRecord } from '../records/record-rows.js';
import { liveRecordWithVersion } from '../records/record-statements.js';
import { currentSeal } from '../sealing/seal.js';
import { methodDescriptor } from '../values/contract.js';
import { onceFor } from '../values/once-for.js';
import { KnownTexts, type RecordText, type TextsRead } from './known-texts.js';

/** Longest JSON of a page that is written here, in bytes: a longer one is sent in protobuf if it is too long for JSON. */
const maxPageBytes = 8 * 1024 * 1024;

/** The part of a known page that may turn out not to be known before it is read whole the next time. */
const maxMissing = 0.25;

const codecs = onceFor(({ message }: RecordType) => JsonCodec.of(message, new Map()));

/** The beginning of a page, up to its first record, and what writes an empty page. */
const pages = onceFor((type: RecordType) => {
  const { output } = methodDescriptor(type.method('list').path);
  const [list] = output.fields;
  if (list?.jsonName !== type.plural) throw new Error(`${output.typeName} does not begin with its records.`);
  return { codec: JsonCodec.of(output, new Map()), start: `{"${type.plural}":[` };
});

/** A page as `readPage` returns it. */
type Rows = readonly StoredRecord[];

/**
 * Writes the JSON of records for the current call, with the texts that are known already.
 */
export class WrittenRecords {
  readonly #known: KnownTexts;
  readonly #tenantId = currentCaller().tenantId;

  private constructor(
    em: EntityManager,
    private readonly type: RecordType,
  ) {
    this.#known = KnownTexts.of(em);
  }

  /** Undefined when the call can't be answered with JSON, or reads encrypted records. */
  static ofCall(em: EntityManager, type: RecordType): WrittenRecords | undefined {
    const { takesJson = false, caller } = callContext.getStore() ?? {};
    return takesJson && caller && !currentSeal() ? new WrittenRecords(em, type) : undefined;
  }

  /** The live record, or undefined when there is none. */
  async get(em: EntityManager, id: string): Promise<WrittenAnswer | undefined> {
    const { type } = this;
    const known = this.#known.get(type, this.#tenantId, id);
    if (known) {
      const [row] = await readForTenant<StoredRecord>(em, liveRecordWithVersion(type, id, false));
      if (!row) return undefined;
      if (row.more[0] === known.rowVersion) return new WrittenAnswer([known.text], id, known.etag);
    }
    const read = this.#known.beginRead();
    const stored = await readForTenant<StoredRecord>(em, liveRecordWithVersion(type, id, true));
    await openStored(type, stored);
    const [row] = stored;
    if (!row) return undefined;
    const { text, etag } = this.#textOf(row, read);
    return new WrittenAnswer([text], id, etag);
  }

  /**
   * The rows of a list, and their texts.
   *
   * @param list equal for requests with the same parameters
   * @param size most rows of the page; one more shows that there is a next page
   * @param read reads the rows, of records or only of their versions
   */
  async list(
    list: string,
    size: number,
    read: (isOfVersions: boolean) => Promise<Rows>,
  ): Promise<{ rows: Rows; texts: string[] }> {
    if (this.#known.isKnownList(list)) {
      const rows = await read(true);
      const texts = rows.slice(0, size).map((row) => this.#knownText(row)?.text);
      if (isComplete(texts)) return { rows, texts };
      const missing = texts.filter((text) => text === undefined).length;
      if (missing > maxMissing * size) this.#known.noteList(list, false);
    }
    const reading = this.#known.beginRead();
    const rows = await read(false);
    const page = rows.slice(0, size);
    await openStored(this.type, page);
    const texts = page.map((row) => (this.#knownText(row) ?? this.#textOf(row, reading)).text);
    if (page.every((row) => this.#knownText(row))) this.#known.noteList(list, true);
    return { rows, texts };
  }

  /** The answer of `list`; undefined when it is too long. @param texts of the records @param page its other fields */
  page(texts: readonly string[], page: object): WrittenAnswer | undefined {
    const { codec, start } = pages(this.type);
    const empty = codec.toText({ [this.type.plural]: [], ...page });
    const parts = texts.map((text, index) => (index === 0 ? text : `,${text}`));
    const answer = new WrittenAnswer([start, ...parts, empty.slice(start.length)]);
    return answer.bytes > maxPageBytes ? undefined : answer;
  }

  #knownText({ record, more: [rowVersion] }: StoredRecord): RecordText | undefined {
    const text = this.#known.get(this.type, this.#tenantId, record.id);
    return text && text.rowVersion === rowVersion ? text : undefined;
  }

  #textOf({ record, more: [rowVersion] }: StoredRecord, read: TextsRead): RecordText {
    const text = codecs(this.type).toText({ ...record });
    const { table } = this.type;
    const written = { tenantId: this.#tenantId, table, rowVersion: rowVersion ?? '', text, etag: record.etag };
    this.#known.keep(read, record.id, written);
    return written;
  }
}

function isComplete(texts: (string | undefined)[]): texts is string[] {
  return !texts.includes(undefined);
}
