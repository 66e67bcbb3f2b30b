import { openPart, storedPart } from '../sealing/sealed-messages.js';
import { customerType } from '../records/customers/customer-type.js';
import type { Content } from './merged-content.js';
import type { MovedReferences } from './move-references.js';

/** What a merge has done, as far as the merged customer's own row does not tell: enough to take it back. */
export interface MergeUndo extends MovedReferences {
  /** The customer that stayed, before and after. */
  before: Content;
  after: Content;
  /** The fields that were preferred from the merged one. */
  preferMerged: string[];
  /** When the merged customer had been deleted, if it had been: then it is deleted again. */
  mergedDeleteTime?: string | undefined;
  /** Those with other customers. */
  links: MovedLinks;
  /** Those with records of other types. Absent in merges of before there were any. */
  recordLinks?: MovedLinks | undefined;
}

/** As it is stored. @param customerId of the customer that stayed */
export function storedUndo(customerId: string, undo: MergeUndo): MergeUndo {
  const stored = (content: Content) => storedPart(customerType(), customerId, content);
  return { ...undo, before: stored(undo.before), after: stored(undo.after) };
}

/** What `storedUndo` made, open again. */
export async function openUndo(undo: MergeUndo): Promise<MergeUndo> {
  return {
    ...undo,
    before: await openPart(customerType(), undo.before),
    after: await openPart(customerType(), undo.after),
  };
}

/** What a merge did with the links of the merged customer. */
export interface MovedLinks {
  /** Ids of those that started at it, and of those that led to it. */
  from: string[];
  to: string[];
  /** Those that became the same as one that was there, or would have led from the customer to itself. */
  removed: RemovedLink[];
}

export const noLinks: MovedLinks = { from: [], to: [], removed: [] };

/** A link that a merge removed. */
export interface RemovedLink {
  id: string;
  /** Ids of customers, or of records of the types that are given. */
  from_customer_id: string;
  type: string;
  to_customer_id: string;
  from_type?: string;
  to_type?: string;
  role: string | null;
  labels: string[];
  version: number;
  /** ISO 8601. */
  create_time: string;
}
