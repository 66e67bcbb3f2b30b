import { etagVersion } from '@rapport/persistence';
import type { PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Conflict } from '../links/conflict-store.js';
import type { Link } from '../links/link.js';
import type { ExchangedRecord } from '../mappings/lenses/field-values.js';

/** Whether a pair is done with, or was changed by somebody meanwhile and has to be read again. */
export type Settled = 'DONE' | 'STALE';

/** Keeps how a pair was left. */
export class PairKeeper {
  constructor(private readonly context: ExchangeContext) {}

  /** As it is until one side changes, or a person decides. */
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

  /** With nothing for a person to decide, unless there is a conflict. */
  async keep(link: Link, conflict: Conflict | undefined): Promise<void> {
    await this.context.links.save(link);
    if (conflict) await this.context.conflicts.put(link.id, conflict);
    else await this.context.conflicts.settle(link.id);
  }

  /** What both sides are at. */
  note(
    link: Link,
    { customer, record }: { customer?: ExchangedRecord | undefined; record?: PeerRecord | undefined },
  ): void {
    if (customer) link.customerVersion = etagVersion(customer.etag);
    if (record) link.recordVersion = record.version;
  }

  /** One side alone, for good. */
  async setApart(link: Link): Promise<'DONE'> {
    Object.assign(link, { isApart: true, choice: null, base: {} });
    await this.keep(link, undefined);
    return 'DONE';
  }

  /** As it is until the customer meets the filter of the mapping. What a person would have to decide is found again then. */
  async leaveOut(link: Link | undefined): Promise<'DONE'> {
    this.context.counts.filtered += 1;
    if (link && (!link.isLeftOut || link.choice !== null)) {
      await this.keep(Object.assign(link, { isLeftOut: true, choice: null }), undefined);
    }
    return 'DONE';
  }

  /** To be deleted once it is known how many there are. */
  async markDeleting(link: Link): Promise<'DONE'> {
    link.isDeleting = true;
    await this.context.links.save(link);
    return 'DONE';
  }
}
