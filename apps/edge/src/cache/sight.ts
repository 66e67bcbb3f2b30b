/** Knows whether every write that another edge acknowledged is known here. */
export interface EdgeLease {
  readonly isHeld: boolean;
}

/** Knows whether the change log of an area has been heard of lately. */
export interface FeedState {
  readonly isFresh: boolean;
}

/** What this edge can't see of: writes through other edges, or past every edge. */
export type Blindness = 'lease' | 'feed';

/** Whether this edge sees every write that would end a kept answer. While it does not, nothing kept is given as fresh. */
export class Sight {
  /**
   * @param lease absent for an edge that is alone
   * @param feeds by area; an area without a change log has none
   */
  constructor(
    private readonly lease: EdgeLease | undefined,
    private readonly feeds: ReadonlyMap<string, FeedState>,
  ) {}

  get seesOtherEdges(): boolean {
    return this.lease?.isHeld ?? true;
  }

  /** @param area of the contract that the answer comes from. @returns undefined when every write is seen */
  blindness(area: string): Blindness | undefined {
    if (this.lease && !this.lease.isHeld) return 'lease';
    const feed = this.feeds.get(area);
    return feed && !feed.isFresh ? 'feed' : undefined;
  }
}
