import type { JsonObject, JsonValue } from '../../connectors/peer-record.js';

/** Fingerprints of both sides at their last agreement on a field. They differ where one side normalises. */
export interface FieldBase {
  customer: string;
  peer: string;
  /** Identities of the items of a list whose additions from both sides are united. */
  items?: string[];
  /** Identities of items that one side has and the other refuses. */
  left?: string[];
}

export type Base = Readonly<Record<string, FieldBase>>;

/** A pair of a customer and a record, or one of them for which the other is about to be created. */
export interface Link {
  id: string;
  customerId: string | null;
  recordId: string | null;
  base: Base;
  /** Version of each side when it was last read. */
  customerVersion: number | null;
  recordVersion: string | null;
  sealedIntent: Buffer | null;
  /** A delete was found and is pending until the end of the run. */
  isDeleting: boolean;
  /** One side is on its own: the other was deleted, and the mapping does not propagate deletes. */
  isApart: boolean;
  /** The customer did not match the filter of the mapping when it was last read: nothing is exchanged until it does. */
  isLeftOut: boolean;
  /** Pending resolution of a conflict. */
  choice: 'CUSTOMER' | 'PEER' | null;
  /** Pending answer to a pairing conflict. */
  answer: LinkAnswer | null;
  /** Version of a record that contains nothing but writes of the exchange since it created it. */
  copyVersion: string | null;
  /** Number of automatic steps behind the last push to the peer, and its time. */
  hop: number;
  pushTime: Date | null;
  revision: number;
}

/** Answer to a pairing conflict. */
export type LinkAnswer =
  /** Pairs the record with this customer. */
  | { choice: 'LINK'; customerId: string }
  /** The record matches none of the candidates. */
  | { choice: 'SEPARATE' }
  /** The record or customer gets no pair. */
  | { choice: 'IGNORE' }
  /** The record is a copy of a customer that is paired with another record by now. It is deleted if it is still unedited. */
  | { choice: 'DROP_COPY' };

/**
 * A write that was started. Its outcome is unknown after a crash: the write of a customer is repeated with its request
 * id, a create of a record with its key, both of which are idempotent; an update of a record is recognized by its
 * values.
 */
export interface Intent {
  /** Fields of the record to create. */
  record?: JsonObject;
  customer?: {
    requestId: string;
    /** Absent for a create. */
    id?: string;
    etag?: string;
    /** Values by field, in the form of customers. */
    values: Record<string, JsonValue>;
  };
  /** Fingerprints by field of both sides after the write. */
  base: Base;
}

/** Whether a write or a decision is pending, regardless of the content of both sides. */
export function isInFlight({ sealedIntent, choice, answer }: Link): boolean {
  return sealedIntent !== null || choice !== null || answer !== null;
}

export function newLink(id: string, sides: Partial<Pick<Link, 'customerId' | 'recordId'>>): Link {
  return {
    ...{ id, customerId: null, recordId: null, base: {}, customerVersion: null, recordVersion: null },
    ...{ sealedIntent: null, isDeleting: false, isApart: false, choice: null, answer: null, hop: 0, pushTime: null },
    ...{ copyVersion: null, isLeftOut: false, revision: 0 },
    ...sides,
  };
}
