/** A table of associations: the types of the records at its ends, and the columns with their ids. */
export interface LinkTable {
  table: 'customer_association' | 'record_association';
  from: 'from_customer_id' | 'from_id';
  to: 'to_customer_id' | 'to_id';
  /** Further columns of the associations. */
  types: readonly ('from_type' | 'to_type')[];
  /** Name in a merge's undo data of the moved associations. */
  undo: 'links' | 'recordLinks';
}

/** Associations between two customers. */
export const customerLinks: LinkTable = {
  ...{ table: 'customer_association', from: 'from_customer_id', to: 'to_customer_id', types: [], undo: 'links' },
};

/**
 * Associations between two records that are not both customers. The types are names of tables. Ids are unique across
 * types, since the server assigns them: a condition on an id needs none on its type.
 */
export const recordLinks: LinkTable = {
  ...{
    table: 'record_association',
    from: 'from_id',
    to: 'to_id',
    types: ['from_type', 'to_type'],
    undo: 'recordLinks',
  },
};

/** Each association is in one of them. The next release moves those of customers to the other. */
export const linkTables: readonly LinkTable[] = [customerLinks, recordLinks];
