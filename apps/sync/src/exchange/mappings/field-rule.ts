/** What happens to a field that both sides have changed. */
export type MergePolicy = 'CUSTOMER' | 'PEER' | 'NEWEST' | 'UNION' | 'MANUAL';

export type Transform = 'NONE' | 'TRIM' | 'LOWER_CASE' | 'CONTACT_LIST' | 'FIRST_OF_LIST' | 'COMMA_LIST';

/** Two fields that belong together, as a mapping keeps them. */
export interface FieldRule {
  /** Of the record of Rapport, such as `emails`, `amount.currencyCode` or `customFields.plan`. */
  customerField: string;
  /** Path in the record's fields, such as `address.city`. */
  peerField: string;
  transform: Transform;
  /** JSONata instead of a transform. */
  toCustomer?: string;
  toPeer?: string;
  authority: 'BOTH' | 'CUSTOMER' | 'PEER';
  onEmpty: 'CLEAR' | 'KEEP';
  /** Instead of the mapping's. */
  policy?: MergePolicy;
  /** The mapping of the records that the field refers to: the other side has their ids of its own. */
  referenceMappingId?: string;
}
