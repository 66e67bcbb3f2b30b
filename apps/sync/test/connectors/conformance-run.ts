import { expect } from 'vitest';
import { ConnectorError, type ConnectorErrorReason } from '../../src/connectors/connector-error.js';
import type { Page, Peer, ReadItem, WriteItem, WriteResult } from '../../src/connectors/connector.js';
import type { Capabilities } from '../../src/connectors/description.js';
import type { JsonValue, PeerRecord, RecordKey } from '../../src/connectors/peer-record.js';
import type { ConformancePeer } from './conformance-peer.js';

/** What one test works with. */
export class ConformanceRun {
  readonly signal: AbortSignal = new AbortController().signal;
  readonly real: ConformancePeer;
  readonly peer: Peer;
  readonly capabilities: Capabilities;

  private constructor(real: ConformancePeer, peer: Peer, capabilities: Capabilities) {
    this.real = real;
    this.peer = peer;
    this.capabilities = capabilities;
  }

  static async start(real: ConformancePeer): Promise<ConformanceRun> {
    const peer = real.connector.connect(real.configuration, real.environment);
    const { recordTypes } = await peer.describe(new AbortController().signal);
    const type = recordTypes.find(({ name }) => name === real.recordType);
    return new ConformanceRun(real, peer, type?.capabilities ?? expect.fail(`${real.recordType} is not described.`));
  }

  read(options: { cursor?: string; pageSize?: number } = {}): Promise<Page[]> {
    return collect(this.peer.read({ recordType: this.real.recordType, signal: this.signal, ...options }));
  }

  async keys(): Promise<RecordKey[]> {
    const request = { recordType: this.real.recordType, pageSize: 3, signal: this.signal };
    return (await collect(this.peer.readKeys(request))).flat();
  }

  one(id: string): Promise<PeerRecord | undefined> {
    return this.peer.readOne(this.real.recordType, id, this.signal);
  }

  async existing(id: string): Promise<PeerRecord> {
    return (await this.one(id)) ?? expect.fail(`${id} is not there`);
  }

  write(...items: WriteItem[]): Promise<WriteResult[]> {
    return this.peer.write({ recordType: this.real.recordType, items, signal: this.signal });
  }

  nameOf(record: PeerRecord | undefined): JsonValue | undefined {
    return record?.fields[this.real.nameField];
  }
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `Name ${String(index).padStart(3, '0')}`);
}

export async function failure(work: () => Promise<unknown>): Promise<ConnectorError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
  return expect.fail('It did not fail.');
}

export async function expectFailure(reason: ConnectorErrorReason, work: () => Promise<unknown>): Promise<void> {
  expect((await failure(work)).reason).toBe(reason);
}

/** As a whole, or each item. */
export async function expectRefused(work: () => Promise<WriteResult[]>): Promise<void> {
  try {
    expect((await work()).map(({ kind }) => kind)).toEqual(['REJECTED']);
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    expect(error.reason).toBe('UNSUPPORTED');
  }
}

export function allItems(pages: Page[]): ReadItem[] {
  return pages.flatMap(({ items }) => items);
}

export function records(pages: Page[]): PeerRecord[] {
  return allItems(pages).flatMap((item) => (item.kind === 'RECORD' ? [item.record] : []));
}

export function recordIds(pages: Page[]): string[] {
  return records(pages).map(({ id }) => id);
}

export function deletedIds(pages: Page[]): string[] {
  return allItems(pages).flatMap((item) => (item.kind === 'DELETED' ? [item.id] : []));
}

export function lastCursor(pages: Page[]): string {
  return pages.at(-1)?.cursor ?? expect.fail('There is no page.');
}

export function byId(one: RecordKey, other: RecordKey): number {
  return one.id < other.id ? -1 : 1;
}
