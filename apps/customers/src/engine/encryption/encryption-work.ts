import type { EntityManager } from '@mikro-orm/postgresql';
import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { Checkpoint } from '../operations/checkpoint.js';
import type { Job } from '../operations/operation-jobs.js';
import type { BulkPace } from '../pace/bulk-pace.js';

/** The context of all steps of an encryption. */
export interface EncryptionWork {
  em: EntityManager;
  job: Job;
  checkpoint: Checkpoint;
  pace: BulkPace;
  signal: AbortSignal;
}

/** Most records or addresses that one transaction encrypts: `alone`, or `beside` other calls. */
export const batchSize = { alone: 200, beside: 24 };

/** SQL of the id up to which the records of a table are encrypted; the nil UUID at the start. */
export function lastDone(table: string): string {
  return `coalesce((select done_id from tenant_encryption where done_table = '${table}'), '00000000-0000-0000-0000-000000000000')`;
}

/**
 * Stores that the records of a table are encrypted up to an id.
 *
 * @param copyId content id of that file's encrypted copy, while it is incomplete
 */
export function doneUpTo(table: string, id: string, copyId: string | null = null): Statement {
  return {
    name: 'encrypted_up_to',
    sql: 'update tenant_encryption set done_table = $2, done_id = $3, copy_id = $4 where tenant_id = $1',
    values: [currentCaller().tenantId, table, id, copyId],
  };
}
