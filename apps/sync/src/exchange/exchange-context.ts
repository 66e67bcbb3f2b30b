import type { Peer } from '../connectors/connector.js';
import type { JsonValue } from '../connectors/peer-record.js';
import type { ActingCustomers } from '../customers/acting-customers.js';
import type { Mapping } from '../mappings/mapping.entity.js';
import type { MappingViews } from '../mappings/mapping-views.js';
import type { ConflictStore } from './conflict-store.js';
import type { HintStore } from './hint-store.js';
import type { Intent, Link } from './link.js';
import type { LinkStore } from './link-store.js';

/** What a run has done, as SyncCounts tells it. */
export interface Counts {
  seen: number;
  customersCreated: number;
  customersUpdated: number;
  customersDeleted: number;
  recordsCreated: number;
  recordsUpdated: number;
  recordsDeleted: number;
  conflicts: number;
}

export function noCounts(): Counts {
  return {
    ...{ seen: 0, customersCreated: 0, customersUpdated: 0, customersDeleted: 0 },
    ...{ recordsCreated: 0, recordsUpdated: 0, recordsDeleted: 0, conflicts: 0 },
  };
}

/** What the exchange of one mapping works with. */
export interface ExchangeContext {
  mapping: Mapping;
  peer: Peer;
  customers: ActingCustomers;
  links: LinkStore;
  conflicts: ConflictStore;
  hints: HintStore;
  fieldViews: MappingViews;
  fingerprint: (value: JsonValue) => string;
  sealIntent: (link: Link, intent: Intent) => Buffer;
  openIntent: (link: Link) => Intent | undefined;
  counts: Counts;
  signal: AbortSignal;
}
