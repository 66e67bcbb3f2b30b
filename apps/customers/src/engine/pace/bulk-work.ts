import { AppError, FairPlaces } from '@rapport/platform';
import type { ClientRates } from './bulk-place.js';
import { BulkPlaces, type PlaceLimits } from './bulk-places.js';

/** Of clients that send files, in bytes: a row of a few letters each second is fast enough. */
const sending: ClientRates = { least: 1_024, windowMs: 60_000, slowPerSecond: 16 * 1_024, slowAfterMs: 2_000 };

/** Of clients that read customers, in customers. */
const reading: ClientRates = { least: 200, windowMs: 60_000, slowPerSecond: 100, slowAfterMs: 2_000 };

/** What bulk work of tenants may hold of a process and of its database. */
export interface BulkLimits {
  /** Files that are being received. Each has a mebibyte of memory, and no connection between its pieces. */
  imports: PlaceLimits;
  /** Imports whose files have arrived, one of each tenant: each has a connection. */
  importsAtWork: number;
  /** Files that are being read. Each has a connection for as long as its reader takes. */
  exports: PlaceLimits;
  /** As exports. */
  snapshots: PlaceLimits;
  /** Bytes of files that wait to be imported, of each tenant in the whole database. */
  importQuotaBytes: number;
  /** How long a worker stays with an operation at least while others wait, in milliseconds. */
  operationTurnMs: number;
}

const defaults: BulkLimits = {
  imports: { inAll: 64, perTenant: 4, rates: sending },
  importsAtWork: 4,
  exports: { inAll: 4, perTenant: 2, rates: reading },
  snapshots: { inAll: 4, perTenant: 1, rates: reading },
  // Two files of the largest size.
  importQuotaBytes: 4 * 1_024 ** 3,
  operationTurnMs: 5_000,
};

/** The bulk work of all tenants in this process. */
export class BulkWork {
  readonly imports: BulkPlaces;
  readonly importTurns: FairPlaces;
  readonly exports: BulkPlaces;
  readonly snapshots: BulkPlaces;
  readonly importQuotaBytes: number;
  readonly operationTurnMs: number;

  constructor(limits: Partial<BulkLimits> = {}) {
    const { imports, importsAtWork, exports, snapshots, ...rest } = { ...defaults, ...limits };
    this.imports = new BulkPlaces(imports, {
      own: () => tooMany('TOO_MANY_IMPORTS', 'Too many imports of this tenant are running. Try again later.'),
      others: () => tooMany('TOO_MANY_IMPORTS', 'Too many imports are running. Try again later.'),
      tooSlow: () => new AppError('ABORTED', 'UPLOAD_TOO_SLOW', 'The file came too slowly. Repeat the import.'),
    });
    this.importTurns = new FairPlaces(importsAtWork, () => 1);
    this.exports = new BulkPlaces(exports, {
      own: () => tooMany('TOO_MANY_EXPORTS', 'Too many exports of this tenant are running. Try again later.'),
      others: () => tooMany('TOO_MANY_EXPORTS', 'Too many exports are running. Try again later.'),
      tooSlow,
    });
    this.snapshots = new BulkPlaces(snapshots, {
      own: () => tooMany('SNAPSHOT_RUNNING', 'Another snapshot is being read. Try again after it.'),
      others: () => tooMany('TOO_MANY_SNAPSHOTS', 'Too many snapshots are read. Try again later.'),
      tooSlow,
    });
    this.importQuotaBytes = rest.importQuotaBytes;
    this.operationTurnMs = rest.operationTurnMs;
  }
}

function tooMany(reason: string, message: string): AppError {
  return new AppError('RESOURCE_EXHAUSTED', reason, message, { retryAfterSeconds: 10 });
}

function tooSlow(): AppError {
  return new AppError('ABORTED', 'READER_TOO_SLOW', 'The answer was read too slowly. Ask again.');
}
