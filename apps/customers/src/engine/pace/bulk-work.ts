import { AppError, FairSlots } from '@rapport/platform';
import type { ClientRates } from './bulk-slot.js';
import { BulkSlots, type SlotLimits } from './bulk-slots.js';

/** Rates of clients that upload files, in bytes. */
const sending: ClientRates = { least: 1_024, windowMs: 60_000, slowPerSecond: 16 * 1_024, slowAfterMs: 2_000 };

/** Rates of clients that read records, in records. */
const reading: ClientRates = { least: 200, windowMs: 60_000, slowPerSecond: 100, slowAfterMs: 2_000 };

/** Limits on the resources of a process and its database that bulk work uses. */
export interface BulkLimits {
  /** Concurrent uploads of files. Each uses 1 MiB of memory, and no connection between its pieces. */
  imports: SlotLimits;
  /** Concurrent imports of uploaded files, at most one per tenant. Each uses a connection. */
  importsAtWork: number;
  /** Rows of a file that an import writes at a time, while no calls run beside it. */
  importChunkRows: number;
  /** Concurrent exports. Each uses a connection until its reader has finished. */
  exports: SlotLimits;
  /** Concurrent snapshots. Each uses a connection, as an export does. */
  snapshots: SlotLimits;
  /** Most bytes of files that wait to be imported, per tenant in the whole database. */
  importQuotaBytes: number;
  /** Minimum turn of an operation in a worker while others wait, in milliseconds. */
  operationTurnMs: number;
}

const defaults: BulkLimits = {
  imports: { inAll: 64, perTenant: 4, rates: sending },
  importsAtWork: 4,
  importChunkRows: 1_000,
  exports: { inAll: 4, perTenant: 2, rates: reading },
  snapshots: { inAll: 4, perTenant: 1, rates: reading },
  // Two files of the largest size.
  importQuotaBytes: 4 * 1_024 ** 3,
  operationTurnMs: 5_000,
};

/** The bulk work of all tenants in this process. */
export class BulkWork {
  readonly imports: BulkSlots;
  readonly importTurns: FairSlots;
  readonly exports: BulkSlots;
  readonly snapshots: BulkSlots;
  readonly importChunkRows: number;
  readonly importQuotaBytes: number;
  readonly operationTurnMs: number;

  constructor(limits: Partial<BulkLimits> = {}) {
    const { imports, importsAtWork, exports, snapshots, ...rest } = { ...defaults, ...limits };
    this.imports = new BulkSlots(imports, {
      own: () => tooMany('TOO_MANY_IMPORTS', 'Too many imports of this tenant are running. Try again later.'),
      others: () => tooMany('TOO_MANY_IMPORTS', 'Too many imports are running. Try again later.'),
      tooSlow: () => new AppError('ABORTED', 'UPLOAD_TOO_SLOW', 'The file was sent too slowly. Repeat the import.'),
    });
    this.importTurns = new FairSlots(importsAtWork, () => 1);
    this.exports = new BulkSlots(exports, {
      own: () => tooMany('TOO_MANY_EXPORTS', 'Too many exports of this tenant are running. Try again later.'),
      others: () => tooMany('TOO_MANY_EXPORTS', 'Too many exports are running. Try again later.'),
      tooSlow,
    });
    this.snapshots = new BulkSlots(snapshots, {
      own: () => tooMany('SNAPSHOT_RUNNING', 'Another snapshot is being read. Try again when it has ended.'),
      others: () => tooMany('TOO_MANY_SNAPSHOTS', 'Too many snapshots are being read. Try again later.'),
      tooSlow,
    });
    this.importChunkRows = rest.importChunkRows;
    this.importQuotaBytes = rest.importQuotaBytes;
    this.operationTurnMs = rest.operationTurnMs;
  }
}

function tooMany(reason: string, message: string): AppError {
  return new AppError('RESOURCE_EXHAUSTED', reason, message, { retryAfterSeconds: 10 });
}

function tooSlow(): AppError {
  return new AppError('ABORTED', 'READER_TOO_SLOW', 'The response was read too slowly. Repeat the request.');
}
