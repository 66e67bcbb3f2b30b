/** Resolution of a field that both sides have changed. */
export type MergePolicy = 'CUSTOMER' | 'PEER' | 'NEWEST' | 'UNION' | 'MANUAL';

export type Transform = 'NONE' | 'TRIM' | 'LOWER_CASE' | 'CONTACT_LIST' | 'FIRST_OF_LIST' | 'COMMA_LIST';

/** A pair of fields, as stored in a mapping. */
export interface FieldRule {
  /** Field of the record of Rapport, such as `emails`, `amount.currencyCode` or `customFields.plan`. */
  customerField: string;
  /** Path in the record's fields, such as `address.city`. */
  peerField: string;
  transform: Transform;
  /** JSONata expression instead of a transform. */
  toCustomer?: string;
  toPeer?: string;
  authority: 'BOTH' | 'CUSTOMER' | 'PEER';
  onEmpty: 'CLEAR' | 'KEEP';
  /** Overrides the policy of the mapping. */
  policy?: MergePolicy;
  /** The mapping of the referenced records. The peer has ids of its own for them. */
  referenceMappingId?: string;
}
