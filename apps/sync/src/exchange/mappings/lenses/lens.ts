import type { JsonValue } from '../../../connectors/peer-record.js';

/**
 * How one field is seen from both sides. What a view gives is what the sides are compared and merged by; null is none. What puts
 * a view back keeps whatever the view does not show.
 */
export interface FieldLens {
  ofCustomer: (value: JsonValue) => JsonValue;
  ofPeer: (value: JsonValue) => JsonValue;
  toCustomer: (view: JsonValue, current: JsonValue) => JsonValue;
  toPeer: (view: JsonValue, current: JsonValue) => JsonValue;
  /** What of a view no customer can have. */
  faults?: (view: JsonValue) => ValueFault[];
}

/** Why, for people, a value does not fit; of a list the item that does not. */
export interface ValueFault {
  index?: number;
  description: string;
}
