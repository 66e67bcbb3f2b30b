import type { JsonValue } from '../../../connectors/peer-record.js';

/**
 * Converts one field between both sides. The sides are compared and merged by the view, in which null is no value.
 * Writing a view back keeps everything that the view does not show.
 */
export interface FieldLens {
  ofCustomer: (value: JsonValue) => JsonValue;
  ofPeer: (value: JsonValue) => JsonValue;
  toCustomer: (view: JsonValue, current: JsonValue) => JsonValue;
  toPeer: (view: JsonValue, current: JsonValue) => JsonValue;
  /** The parts of a view that are invalid for a customer. */
  faults?: (view: JsonValue) => ValueFault[];
}

/** Why a value is invalid, for users; for a list, with the item. */
export interface ValueFault {
  index?: number;
  description: string;
}
