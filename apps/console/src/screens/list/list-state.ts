import type { Resource } from '../../contract/contract.ts';
import type { Json } from '../../contract/api.ts';
import type { ChangeSearch, ListSearch } from './search.ts';
import type { Rows } from './use-rows.ts';

/** What the parts of a list have in common. */
export interface ListState {
  resource: Resource;
  /** Parameters of its path. */
  parents: Json;
  /** Such as `Customers`, and `customer` for one of them. */
  title: string;
  singular: string;
  search: ListSearch;
  change: ChangeSearch;
  data: Rows;
}
