import type { Collection } from '../../app/resource.ts';
import type { ChangeSearch, ListSearch } from './search.ts';
import type { Rows } from './use-rows.ts';

/** What the parts of a list have in common. */
export interface ListState extends Collection {
  /** Such as `Customers`, and `customer` for one of them. */
  title: string;
  singular: string;
  search: ListSearch;
  change: ChangeSearch;
  data: Rows;
}
