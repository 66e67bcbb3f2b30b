/** A table of associations: between records of which types, and which columns have the ids of the records. */
export interface LinkTable {
  table: 'customer_association' | 'record_association';
  from: 'from_customer_id' | 'from_id';
  to: 'to_customer_id' | 'to_id';
  /** Further columns of the links. */
  types: readonly ('from_type' | 'to_type')[];
  /** What a merge keeps about the links that it moved, by the name in its undo. */
  undo: 'links' | 'recordLinks';
}

/** Links between two customers. */
export const customerLinks: LinkTable = {
  ...{ table: 'customer_association', from: 'from_customer_id', to: 'to_customer_id', types: [], undo: 'links' },
};

/**
 * Links between two records that are not both customers. The types are names of tables. No two records of any types have one id, since
 * the server gives them: a condition on an id needs none on its type.
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

/** A link is in one of them. The release after this one moves those of customers to the other. */
export const linkTables: readonly LinkTable[] = [customerLinks, recordLinks];
