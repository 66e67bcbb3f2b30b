import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { Segment, SegmentState } from '@rapport/contracts/rapport/marketing/v1/segment';
import type { SegmentMember } from '@rapport/contracts/rapport/marketing/v1/segment_member';
import { expect } from 'vitest';
import { newCaller, person, type SharedCustomers } from './running-customers.js';

/** A tenant of its own with segments, and the responses of its calls. */
export class SegmentTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  async createPerson(given: Partial<Customer> = {}): Promise<string> {
    return (await this.service.create(this.caller, person(given))).id;
  }

  createSegment(given: Partial<Segment> = {}): Promise<Segment> {
    return this.service.call('createSegment', { segment: newSegment(given) }, this.caller);
  }

  getSegment(id: string): Promise<Segment> {
    return this.service.call('getSegment', { id }, this.caller);
  }

  updateSegment(id: string, changes: Partial<Segment>): Promise<Segment> {
    const segment = { ...newSegment(), ...changes };
    return this.service.call('updateSegment', { id, segment, updateMask: Object.keys(changes) }, this.caller);
  }

  /** The memberships of a segment, also those that ended. */
  async membershipsOf(segmentId: string, showDeleted = false): Promise<SegmentMember[]> {
    const members: SegmentMember[] = [];
    let pageToken: string | undefined;
    do {
      const request = { filter: `segmentId = ${segmentId}`, showDeleted, pageSize: 200, pageToken };
      const page = await this.service.call('listSegmentMembers', request, this.caller);
      members.push(...page.segmentMembers);
      pageToken = page.nextPageToken === '' ? undefined : page.nextPageToken;
    } while (pageToken !== undefined);
    return members;
  }

  /** Ids of the customers, in order. */
  async membersOf(segmentId: string): Promise<string[]> {
    return (await this.membershipsOf(segmentId)).map(({ customerId }) => customerId).toSorted();
  }

  /** Waits until the segment has exactly these members. */
  async expectMembers(segmentId: string, customerIds: readonly string[]): Promise<void> {
    const wanted = customerIds.toSorted();
    await expect.poll(() => this.membersOf(segmentId), { timeout: 60_000 }).toEqual(wanted);
  }

  async expectLive(segmentId: string): Promise<void> {
    await expect
      .poll(async () => (await this.getSegment(segmentId)).state, { timeout: 60_000 })
      .toBe(SegmentState.LIVE);
  }

  verify(id: string) {
    return this.service.call('verifySegment', { id }, this.caller);
  }
}

/** A segment as a request has it. */
export function newSegment(given: Partial<Segment> = {}): Segment {
  const key = `s_${crypto.randomUUID().replaceAll('-', '_')}`;
  return { ...Segment.decode(new Uint8Array()), key, name: 'A segment', ...given };
}
