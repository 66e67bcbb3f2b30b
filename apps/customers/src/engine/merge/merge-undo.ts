import { openPart, storedPart } from '../sealing/sealed-messages.js';
import { customerType } from '../records/customers/customer-type.js';
import { contentOf, type Content } from './merged-content.js';
import type { MovedReferences } from './moving/move-references.js';

/** The data that undoes a merge, besides the merged customer's own row. */
export interface MergeUndo extends MovedReferences {
  /** Content of the surviving customer, before and after the merge. */
  before: Content;
  after: Content;
  /** The fields in which the merged customer's values took precedence. */
  preferMerged: string[];
  /** Time at which the merged customer was deleted, if it was. Undoing the merge restores it as deleted. */
  mergedDeleteTime?: string | undefined;
  /** Associations with other customers. */
  links: MovedLinks;
  /** Associations with records of other types. Absent in merges of earlier releases. */
  recordLinks?: MovedLinks | undefined;
}

/** Encrypts undo data for storage. @param customerId of the surviving customer */
export function storedUndo(customerId: string, undo: MergeUndo): MergeUndo {
  const stored = (content: Content) => storedPart(customerType(), customerId, content);
  return { ...undo, before: stored(undo.before), after: stored(undo.after) };
}

/** Decrypts the result of `storedUndo`. Fields that the release of the merge did not know are empty. */
export async function openUndo(undo: MergeUndo): Promise<MergeUndo> {
  const open = async (content: Content) => ({
    ...contentOf(customerType().empty()),
    ...(await openPart(customerType(), content)),
  });
  return { ...undo, before: await open(undo.before), after: await open(undo.after) };
}

/** The changes that a merge made to the associations of the merged customer. */
export interface MovedLinks {
  /** Ids of the associations that started at it, and of those that led to it. */
  from: string[];
  to: string[];
  /** Associations that would have duplicated an existing one, or led from the customer to itself. */
  removed: RemovedLink[];
}

export const noLinks: MovedLinks = { from: [], to: [], removed: [] };

/** A removed association. */
export interface RemovedLink {
  id: string;
  /** Ids of customers, or of records of the given types. */
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
