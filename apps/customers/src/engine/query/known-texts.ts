import type { EntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { RecordType } from '../fields/record-type.js';

/** Total size of the known texts, in characters, about as many bytes. */
const maxCharacters = 48 * 1024 * 1024;
/** Largest text that is kept, in characters. */
const maxLength = 16 * 1024;
/** Less than this many characters left is no room. */
const room = 1024 * 1024;
/** Memory of an entry besides its text, in the same unit, about. */
const overhead = 300;
/** Part of the reads whose new texts are kept when there is no more room. */
const keptReads = 1 / 8;
/** Lists that are known to consist of known records, by their total size in characters. */
const maxLists = { max: 20_000, maxSize: 4 * 1024 * 1024 };

/** The JSON of a record, as it was written for a version of its row. */
export interface RecordText {
  tenantId: string;
  table: string;
  rowVersion: string;
  text: string;
  etag: string;
}

/** A read of records whose texts may be kept. */
export interface TextsRead {
  generation: object;
  /** Whether new texts push out others. */
  pushesOut: boolean;
}

const known = new WeakMap<object, KnownTexts>();

/**
 * The JSON of records that this process has read lately. A read asks PostgreSQL for the version of each row only, which is
 * a third of the work of reading, parsing and writing the record, and uses the text of the same version. So an answer is
 * always that of the database at the time of the read. Texts are not encrypted: those of encrypted records are not kept.
 */
export class KnownTexts {
  /** By id: tenants that have a record with the same id, as after an import of all data, share its place. */
  readonly #texts = new LRUCache<string, RecordText>({
    maxSize: maxCharacters,
    sizeCalculation: ({ text }) => text.length + overhead,
  });
  readonly #lists = new LRUCache<string, true>({ ...maxLists, sizeCalculation: (_, key) => key.length });
  #generation = {};

  private constructor(em: EntityManager) {
    // A server that was promoted, or restored from a copy, may give versions again that this process has seen for other
    // rows. No connection survives either, so a new connection ends what is known.
    const listen = async () => {
      const pool = await em.getConnection().getNativeClient();
      pool.on('connect', () => this.#forget());
    };
    void listen();
  }

  static of(em: EntityManager): KnownTexts {
    const connection = em.getConnection();
    let texts = known.get(connection);
    if (!texts) known.set(connection, (texts = new KnownTexts(em)));
    return texts;
  }

  /**
   * Call it before the read whose texts are to be kept. When there is no more room, one read in eight is kept: if all were, clients
   * that read in turn a little more than there is room for would never find a text.
   */
  beginRead(): TextsRead {
    const { calculatedSize } = this.#texts;
    const isFull = calculatedSize > maxCharacters - room;
    return { generation: this.#generation, pushesOut: !isFull || Math.random() < keptReads };
  }

  get({ table }: RecordType, tenantId: string, id: string): RecordText | undefined {
    const text = this.#texts.get(id);
    return text?.tenantId === tenantId && text.table === table ? text : undefined;
  }

  keep({ generation, pushesOut }: TextsRead, id: string, text: RecordText): void {
    if (generation !== this.#generation || text.text.length > maxLength) return;
    if (pushesOut || this.#texts.has(id)) this.#texts.set(id, text);
  }

  /** Whether all records of a list were known when it was read last. */
  isKnownList(key: string): boolean {
    return this.#lists.has(key);
  }

  /** @param isKnown whether the next read is to ask for the versions of its rows only */
  noteList(key: string, isKnown: boolean): void {
    if (isKnown) this.#lists.set(key, true);
    else this.#lists.delete(key);
  }

  #forget(): void {
    this.#generation = {};
    this.#texts.clear();
    this.#lists.clear();
  }
}
