import { setTimeout as wait } from 'node:timers/promises';

/** A cache under test. Both answer with a version; a write's is acknowledged when the promise resolves. */
export interface VersionedCache {
  read: (reader: number, key: number) => Promise<number>;
  write: (writer: number, key: number) => Promise<number>;
}

export interface StaleReads {
  reads: number;
  writes: number;
  /** Number of reads older than a write that was acknowledged before they began. */
  stale: number;
  /** Keys that are still stale after all writes. */
  staleAtRest: number;
}

export interface StressOptions {
  readers: number;
  writers: number;
  keys: number;
  /** Longest random pause between reads and between writes, in milliseconds. */
  readerPauseMs?: number;
  writerPauseMs: number;
  /** Chooses keys and pauses. */
  random: () => number;
  isOver: (soFar: Readonly<StaleReads>) => boolean;
}

/** Reads and writes concurrently, and counts the stale reads. */
export async function countStaleReads(cache: VersionedCache, options: StressOptions): Promise<StaleReads> {
  const { readers, writers, keys, readerPauseMs = 0, writerPauseMs, random, isOver } = options;
  const acknowledged = new Array<number>(keys).fill(0);
  const result = { reads: 0, writes: 0, stale: 0, staleAtRest: 0 };
  const anyKey = () => Math.floor(random() * keys);
  const write = async (writer: number) => {
    const key = anyKey();
    const version = await cache.write(writer, key);
    acknowledged[key] = Math.max(acknowledged[key] ?? 0, version);
    result.writes++;
  };
  const readUntilEnough = async (reader: number) => {
    while (!isOver(result)) {
      const key = anyKey();
      const least = acknowledged[key] ?? 0;
      const version = await cache.read(reader, key);
      result.reads++;
      if (version < least) result.stale++;
      // Paces the load.
      if (readerPauseMs > 0) await wait(random() * readerPauseMs);
    }
  };
  const writeUntilEnough = async (writer: number) => {
    while (!isOver(result)) {
      await write(writer);
      // Paces the load.
      await wait(random() * writerPauseMs);
    }
  };
  await Promise.all([
    ...Array.from({ length: readers }, (_, reader) => readUntilEnough(reader)),
    ...Array.from({ length: writers }, (_, writer) => writeUntilEnough(writer)),
  ]);
  for (let key = 0; key < keys; key++) {
    for (const reader of [0, 1]) if ((await cache.read(reader, key)) < (acknowledged[key] ?? 0)) result.staleAtRest++;
  }
  return result;
}
