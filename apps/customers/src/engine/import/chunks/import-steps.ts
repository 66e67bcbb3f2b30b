import { setTimeout as delay } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { isLockTimeout, isStatementTimeout, lockTimeout } from '@rapport/persistence';
import { currentSeal } from '../../sealing/seal.js';
import type { ImportRules } from '../import-rules.js';
import type { Chunk } from './prepare-chunks.js';
import { importChunk, type LineIssue, type OutcomeCounts, type RecordStore } from './import-chunk.js';

/**
 * Longest statement of a step, in milliseconds: a pipeline has few large ones, and all of them must end before pg gives
 * up the connection.
 */
const longestStatementMs = 2_000;

/** Longest idle time between two statements, in milliseconds: beside many calls there are long pauses. */
const longestIdleMs = 60_000;

/** How long a step waits for the locks of other writes in all, and the pause before it asks again, in milliseconds. */
const longestWaitMs = 300_000;
const pauseMs = 50;

/**
 * Imports chunks in one transaction, which an error would undo whole. So neither another write nor a slow machine may
 * end one of its statements for good: each step has a savepoint. A step that waits for a lock is repeated until it has
 * it, and one with a statement that takes too long is repeated in halves, as are the next ones. A single row has the time of any
 * other statement.
 */
export class ImportSteps {
  /** Most rows of a step. Fewer after a step that took too long. */
  #mostRows = Infinity;

  /** @param em of the transaction */
  private constructor(
    private readonly em: EntityManager,
    private readonly rules: ImportRules,
    private readonly store: RecordStore,
  ) {}

  static async begin(em: EntityManager, rules: ImportRules, store: RecordStore): Promise<ImportSteps> {
    await em.execute(
      `set local lock_timeout = '${lockTimeout.lock_timeout}';
       set local statement_timeout = ${longestStatementMs};
       set local idle_in_transaction_session_timeout = ${longestIdleMs}`,
    );
    return new ImportSteps(em, rules, store);
  }

  /** The results of a chunk's steps. */
  async *import({ rows, customFields }: Chunk): AsyncGenerator<{ counts: OutcomeCounts; issues: LineIssue[] }, void> {
    const waitsUntil = performance.now() + longestWaitMs;
    for (let start = 0, size = 0; start < rows.length; start += size) {
      const step = { rows: rows.slice(start, start + this.#mostRows), customFields };
      size = step.rows.length;
      const keysBefore = currentSeal()?.newCount;
      try {
        await this.em.execute('savepoint import_step');
        const result = await importChunk(this.em, this.rules, step, this.store);
        await this.em.execute('release savepoint import_step');
        yield result;
      } catch (error) {
        const isTooSlow = isStatementTimeout(error) && this.#mostRows > 1;
        if (!isTooSlow && !(isLockTimeout(error) && performance.now() < waitsUntil)) throw error;
        await this.em.execute('rollback to savepoint import_step');
        await currentSeal()?.dropNew(keysBefore);
        if (isTooSlow) await this.#shorten(size);
        else await delay(pauseMs);
        size = 0;
      }
    }
  }

  async #shorten(size: number): Promise<void> {
    this.#mostRows = Math.ceil(size / 2);
    if (this.#mostRows === 1) await this.em.execute('set local statement_timeout to default');
  }
}
