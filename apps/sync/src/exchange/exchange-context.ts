import type {
  PairingCounts,
  RecordIssue,
  ResolutionCounts,
} from '@rapport/contracts/rapport/sync/v1/sync_runs_service';
import type { Peer, ReadItem } from '../connectors/connector.js';
import type { JsonValue, PeerRecord } from '../connectors/peer-record.js';
import type { ActingRecords } from './customers/acting-records.js';
import type { ConflictStore } from './links/conflict-store.js';
import type { HintStore } from './links/hint-store.js';
import type { LinkStore } from './links/link-store.js';
import type { Intent, Link } from './links/link.js';
import type { ReferenceStore } from './links/reference-store.js';
import type { MappingViews } from './mappings/mapping-views.js';
import type { Mapping } from './mappings/mapping.entity.js';
import type { MatchStore } from './pairing/match-store.js';
import type { PairingConflicts } from './pairing/pairing-conflicts.js';
import type { FailedPairs } from './pairs/failed-pairs.js';
import type { RunRecords } from './runs/run-records.js';

/** The counters of a run, as in SyncCounts. */
export interface Counts {
  seen: number;
  customersCreated: number;
  customersUpdated: number;
  customersDeleted: number;
  recordsCreated: number;
  recordsUpdated: number;
  recordsDeleted: number;
  conflicts: number;
  issues: number;
  skipped: number;
  filtered: number;
}

export function noCounts(): Counts {
  return {
    ...{ seen: 0, customersCreated: 0, customersUpdated: 0, customersDeleted: 0 },
    ...{ recordsCreated: 0, recordsUpdated: 0, recordsDeleted: 0, conflicts: 0, issues: 0, skipped: 0 },
    filtered: 0,
  };
}

/** State and dependencies of a run of one mapping. */
export interface ExchangeContext {
  mapping: Mapping;
  peer: Peer;
  /** Whether the peer allows creates. */
  createsRecords: boolean;
  customers: ActingRecords;
  links: LinkStore;
  conflicts: ConflictStore;
  hints: HintStore;
  references: ReferenceStore;
  records: RunRecords;
  matches: MatchStore;
  pairingConflicts: PairingConflicts;
  fieldViews: MappingViews;
  fingerprint: (value: JsonValue) => string;
  sealIntent: (link: Link, intent: Intent) => Buffer;
  openIntent: (link: Link) => Intent | undefined;
  counts: Counts;
  /** Of a PAIR run. */
  pairing?: PairingCounts | undefined;
  /** Of a RESOLVE run. */
  resolution?: ResolutionCounts | undefined;
  /** The first ones of `counts.issues`. */
  issues: RecordIssue[];
  /** Pairs that failed unexpectedly. The next run retries them. */
  failed: FailedPairs;
  signal: AbortSignal;
}

const maxIssues = 100;

/** Reports what could not be read of a record. */
export function noteIssues(context: ExchangeContext, item: ReadItem): void {
  if (item.kind === 'RECORD') tellIssues(context, item.record.id, item.record.issues);
  if (item.kind === 'UNREADABLE') tellIssues(context, item.id, item.issues);
}

/** @param recordId undefined for an unknown record */
export function tellIssues(
  { counts, issues }: ExchangeContext,
  recordId: string | undefined,
  found: PeerRecord['issues'] = [],
): void {
  counts.issues += found.length;
  const room = Math.max(0, maxIssues - issues.length);
  issues.push(...found.slice(0, room).map((issue) => ({ recordId, field: undefined, line: undefined, ...issue })));
}
