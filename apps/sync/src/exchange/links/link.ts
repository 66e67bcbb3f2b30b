import type { JsonObject, JsonValue } from '../../connectors/peer-record.js';

/** Fingerprints of what both sides had when they last agreed on a field. They differ where one side normalises. */
export interface FieldBase {
  customer: string;
  peer: string;
  /** Of what the items of a list are known by, where lists are united. */
  items?: string[];
  /** Of what items of a list are known by that one side has, and the other does not take. */
  left?: string[];
}

export type Base = Readonly<Record<string, FieldBase>>;

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
  /** The customer did not meet the filter of the mapping when it was last looked at: nothing is exchanged until it does. */
  isLeftOut: boolean;
  /** What a person has chosen, until it is done. */
  choice: 'CUSTOMER' | 'PEER' | null;
  /** What a person has decided about what belongs together, until it is done. */
  answer: LinkAnswer | null;
  /** The version of a record that has nothing in it but what the exchange has written to it since it created it. */
  copyVersion: string | null;
  /** How many automatic steps lie behind what was last pushed to the other system, and when that was. */
  hop: number;
  pushTime: Date | null;
  revision: number;
}

/** What is to become of a link. */
export type LinkAnswer =
  /** The record belongs to this customer. */
  | { choice: 'LINK'; customerId: string }
  /** It is none of the candidates. */
  | { choice: 'SEPARATE' }
  /** It stays alone. */
  | { choice: 'IGNORE' }
  /** The record is a copy of a customer that belongs to another record now: it is deleted, if it still is as it was written. */
  | { choice: 'DROP_COPY' };

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

/** Whether a write or a decision is still to be done, whatever both sides hold. */
export function isUnderWay({ sealedIntent, choice, answer }: Link): boolean {
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
