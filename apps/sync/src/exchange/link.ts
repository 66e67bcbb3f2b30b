import type { JsonObject, JsonValue } from '../connectors/peer-record.js';
import type { Base } from './merge-fields.js';

/** A customer and a record that belong together, or one of them that is about to get the other. */
export interface Link {
  id: string;
  customerId: string | null;
  recordId: string | null;
  base: Base;
  /** What each side was at when it was last looked at. */
  customerVersion: number | null;
  recordVersion: string | null;
  sealedIntent: Buffer | null;
  /** A delete was found, and waits for the end of the run. */
  isDeleting: boolean;
  /** One side stays alone: the other was deleted, and that does not propagate. */
  isApart: boolean;
  /** What a person has chosen, until it is done. */
  choice: 'CUSTOMER' | 'PEER' | null;
  /** How many automatic steps lie behind what was last pushed to the other system, and when that was. */
  hop: number;
  pushTime: Date | null;
  revision: number;
}

/**
 * A write that was begun. Who finds it can't know whether it was done: a customer's is repeated with its request id and that of a new
 * record with its key, both of which are done once; a change of a record is told by what it was to say.
 */
export interface Intent {
  /** Fields of a record that is to be created. */
  record?: JsonObject;
  customer?: {
    requestId: string;
    /** Absent for one that is to be created. */
    id?: string;
    etag?: string;
    /** Values by field, as customers has them. */
    values: Record<string, JsonValue>;
  };
  /** Fingerprints by field that both sides have once it is done. */
  base: Base;
}

export function newLink(id: string, sides: Partial<Pick<Link, 'customerId' | 'recordId'>>): Link {
  return {
    ...{ id, customerId: null, recordId: null, base: {}, customerVersion: null, recordVersion: null },
    ...{ sealedIntent: null, isDeleting: false, isApart: false, choice: null, hop: 0, pushTime: null, revision: 0 },
    ...sides,
  };
}
