import { etagVersion } from '@rapport/persistence';
import type { PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import type { Link } from '../links/link.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';

/** DONE, or STALE for a pair that was changed in the meantime and must be read again. */
export type Settled = 'DONE' | 'STALE';

/** Stores the resulting state of a pair. */
export class PairKeeper {
  constructor(private readonly context: ExchangeContext) {}

  /** Unchanged until one side changes or a user decides. */
  async leave(
    link: Link,
    sides: { customer?: ExchangedRecord | undefined; record?: PeerRecord | undefined },
    conflict: Conflict,
  ): Promise<'DONE'> {
    this.note(link, sides);
    link.choice = null;
    await this.keep(link, conflict);
    return 'DONE';
  }

  /** Without a conflict, unless one is given. */
  async keep(link: Link, conflict: Conflict | undefined): Promise<void> {
    await this.context.links.save(link);
    if (conflict) await this.context.conflicts.put(link.id, conflict);
    else await this.context.conflicts.settle(link.id);
  }

  /** The versions of both sides. */
  note(
    link: Link,
    { customer, record }: { customer?: ExchangedRecord | undefined; record?: PeerRecord | undefined },
  ): void {
    if (customer) link.customerVersion = etagVersion(customer.etag);
    if (record) link.recordVersion = record.version;
  }

  /** One side without a pair, permanently. */
  async setApart(link: Link): Promise<'DONE'> {
    Object.assign(link, { isApart: true, choice: null, base: {} });
    await this.keep(link, undefined);
    return 'DONE';
  }

  /** Unchanged until the customer matches the filter of the mapping. Conflicts are found again then. */
  async leaveOut(link: Link | undefined): Promise<'DONE'> {
    this.context.counts.filtered += 1;
    if (link && (!link.isLeftOut || link.choice !== null)) {
      await this.keep(Object.assign(link, { isLeftOut: true, choice: null }), undefined);
    }
    return 'DONE';
  }

  /** Pending delete, executed once the number of deletes is known. */
  async markDeleting(link: Link): Promise<'DONE'> {
    link.isDeleting = true;
    await this.context.links.save(link);
    return 'DONE';
  }
}
