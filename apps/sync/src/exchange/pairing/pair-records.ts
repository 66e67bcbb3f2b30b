import type { PairingCounts } from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import { v7 as uuidv7 } from 'uuid';
import type { PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import { newLink, type Link } from '../links/link.js';
import { EvaluationError } from '../mappings/jsonata-evaluator.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';
import type { Mapping } from '../mappings/mapping.entity.js';
import { PairKeeper } from '../pairs/pair-keeper.js';
import {
  identityOfCustomer,
  identityOfRecord,
  keysOf,
  likeness,
  uniqueKeysOf,
  uniqueTexts,
  uniqueTextsOfCustomer,
  type Identity,
} from './identity.js';
import { LinkTaker } from './link-taker.js';
import type { Edge, MatchRow } from './match-store.js';
import type { Doubt } from './pairing-conflicts.js';

const pageSize = 100;

/** A record without a link, or one that may match customers without a record. */
interface Candidate {
  identity: Identity;
  recordId: string;
  isLinked: boolean;
  keys: string[];
  /** Keys of unique values. */
  uniqueKeys: string[];
}

/**
 * Finds equal records and customers by their content: stores keyed hashes of all customers first, and compares each
 * record with the customers that share a key with it. Changes neither side. Idempotent.
 */
export class Pairing {
  readonly #keeper: PairKeeper;
  readonly #taker: LinkTaker;

  constructor(private readonly context: ExchangeContext) {
    this.#keeper = new PairKeeper(context);
    this.#taker = new LinkTaker(context);
  }

  /** @returns the result; undefined when there is no customer to pair and `isListed` is false */
  async find(isListed: boolean): Promise<PairingCounts | undefined> {
    const { matches } = this.context;
    await matches.clear();
    const customers = await this.#noteCustomers();
    if (customers === 0 && !isListed) return undefined;
    await this.#noteRecords();
    await matches.decide();
    await matches.askEqualRecords();
    await matches.clearKeys();
    return matches.counts();
  }

  /** Stores links for the pairs, and conflicts for ambiguous matches. @param isHinted true to have the pairs settled, by hints */
  async apply(isHinted: boolean): Promise<void> {
    const { pairingConflicts } = this.context;
    // Conflicts first: from here on, no record or customer of one is created on the other side.
    for await (const rows of this.#pages('QUESTION')) {
      await pairingConflicts.put(rows.filter(({ customer_id: customerId }) => customerId !== null));
    }
    for await (const rows of this.#pages('PAIR')) {
      for (const row of rows) await this.#link(row, isHinted);
    }
    for await (const rows of this.#pages('QUESTION')) {
      for (const row of rows) await this.#ask(row);
    }
  }

  async #noteCustomers(): Promise<number> {
    const { customers, mapping, links, matches, fingerprint } = this.context;
    let [count, pageToken]: [number, string | undefined] = [0, undefined];
    do {
      const page = await customers.page(pageToken);
      const known = await links.byCustomers(page.customers.map(({ customer }) => customer.id));
      const there = page.customers.filter(({ customer }) => !known.get(customer.id)?.isApart);
      const free = there.filter(({ customer }) => !known.get(customer.id)?.recordId);
      await matches.putCustomers(free.map(({ customer: { id }, takesPart }) => ({ id, takesPart })));
      await matches.putKeys(
        there.flatMap(({ customer }) =>
          keysOfCustomer(customer, mapping).map((key) => ({ key: fingerprint(key), customerId: customer.id })),
        ),
      );
      count += there.length;
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
    return count;
  }

  async #noteRecords(): Promise<void> {
    const { peer, mapping, links, matches, signal } = this.context;
    for await (const { items } of peer.read({ recordType: mapping.recordType, pageSize, signal })) {
      const records = items.flatMap((item) => (item.kind === 'RECORD' ? item.record : []));
      const known = await links.byRecords(records.map(({ id }) => id));
      const candidates: Candidate[] = [];
      for (const record of records) {
        const link = known.get(record.id);
        if (link?.isApart) continue;
        const candidate = await this.#candidate(record, Boolean(link?.customerId));
        if (candidate) candidates.push(candidate);
      }
      await matches.putRecords(candidates.filter(({ isLinked }) => !isLinked));
      await this.#compare(candidates);
    }
  }

  /** Undefined for a record on which an expression of the mapping fails. The exchange reports it. */
  async #candidate(record: PeerRecord, isLinked: boolean): Promise<Candidate | undefined> {
    const { mapping, fieldViews, fingerprint } = this.context;
    try {
      const views = await fieldViews.ofPeer(record.fields);
      const identity = identityOfRecord(record.id, views, mapping);
      const uniqueKeys = uniqueKeysOf(uniqueTexts(views, mapping)).map(fingerprint);
      return { identity, isLinked, recordId: record.id, keys: keysOf(identity).map(fingerprint), uniqueKeys };
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error;
      return undefined;
    }
  }

  async #compare(candidates: readonly Candidate[]): Promise<void> {
    const { customers, links, matches, mapping } = this.context;
    const owners = new Map<string, string[]>();
    for (const { key, customerId } of await matches.customersOf(candidates.flatMap(({ keys }) => keys))) {
      owners.set(key, [...(owners.get(key) ?? []), customerId]);
    }
    const ids = [...new Set([...owners.values()].flat())];
    const found = new Map<string, { identity: Identity; isLinked: boolean }>();
    for (let start = 0; start < ids.length; start += pageSize) {
      const some = ids.slice(start, start + pageSize);
      const [there, known] = [await customers.batchGet(some), await links.byCustomers(some)];
      for (const [id, { customer }] of there) {
        const isLinked = Boolean(known.get(id)?.recordId);
        found.set(id, { identity: identityOfCustomer(customer, mapping), isLinked });
      }
    }
    const edges = candidates.flatMap(({ identity, recordId, isLinked, keys }) =>
      [...new Set(keys.flatMap((key) => owners.get(key) ?? []))].flatMap((customerId): Edge[] => {
        const customer = found.get(customerId);
        if (!customer || (isLinked && customer.isLinked)) return [];
        const alike = likeness(customer.identity, identity);
        // A paired record or customer gets no other pair, whatever the score.
        const grade = isLinked || customer.isLinked ? 1 : alike?.grade;
        return alike && grade ? [{ ...alike, grade, recordId, customerId }] : [];
      }),
    );
    await matches.putEdges(edges);
  }

  async #link({ record_id: recordId, customer_id: customerId }: MatchRow, isHinted: boolean): Promise<void> {
    const { links, hints } = this.context;
    if (recordId === null || customerId === null) return;
    const link = (await links.byRecord(recordId)) ?? newLink(uuidv7(), { recordId });
    // The record may have been linked since it was matched, or a write of it may be in progress.
    if (link.customerId !== null || link.sealedIntent !== null) return;
    if ((await this.#taker.take(link, customerId)) === 'TAKEN' && isHinted) await hints.put('PEER', recordId);
  }

  async #ask({ side, record_id: recordId, customer_id: customerId }: MatchRow): Promise<void> {
    const { links, pairingConflicts } = this.context;
    if (side === 'PEER' && recordId !== null) {
      const link = (await links.byRecord(recordId)) ?? newLink(uuidv7(), { recordId });
      await this.#leave(link, await pairingConflicts.ofRecord(recordId));
    }
    if (side === 'CUSTOMER' && customerId !== null) {
      const link = (await links.byCustomer(customerId)) ?? newLink(uuidv7(), { customerId });
      await this.#leave(link, await pairingConflicts.ofCustomer(customerId));
    }
  }

  /** Unless the link has become a pair in the meantime, or has a pending step. */
  async #leave(link: Link, doubt: Doubt | undefined): Promise<void> {
    if (doubt === undefined || doubt === 'ASKED') return;
    const isPair = link.customerId !== null && link.recordId !== null;
    if (!isPair && link.sealedIntent === null && link.answer === null) await this.#keeper.keep(link, doubt);
  }

  async *#pages(outcome: 'PAIR' | 'QUESTION'): AsyncGenerator<MatchRow[]> {
    let last: string | undefined;
    for (;;) {
      this.context.signal.throwIfAborted();
      const rows = await this.context.matches.after(last, [outcome], pageSize);
      if (rows.length === 0) return;
      yield rows;
      last = rows.at(-1)?.id;
    }
  }
}

/** Blocking keys of a customer, and keys of its unique values. */
function keysOfCustomer(customer: ExchangedRecord, mapping: Mapping): string[] {
  const unique = uniqueKeysOf(uniqueTextsOfCustomer(customer, mapping));
  return [...new Set([...keysOf(identityOfCustomer(customer, mapping)), ...unique])];
}
