import { tellIssues, type ExchangeContext } from '../exchange-context.js';
import type { UnmetReference } from '../mappings/mapping-views.js';
import type { Side } from '../mappings/mapping-views.js';

/** Makes a record, or a field of a pair, wait for the pair of a referenced record. */
export class ReferenceWaiter {
  constructor(private readonly context: ExchangeContext) {}

  /**
   * @param side the side with the unmet references, and the id of the record there
   * @param recordId id at the peer, for the issue
   * @returns MET when one of them has a pair by now, so that the record must be read again
   */
  async wait(
    side: Side,
    id: string,
    recordId: string | undefined,
    unmet: readonly UnmetReference[],
  ): Promise<'NOTHING' | 'WAITS' | 'MET'> {
    const { references } = this.context;
    for (const { target } of unmet) {
      await references.wait(side, id, target);
      // A pair that was made before the wait was stored would never wake it.
      if (await references.otherOf(target)) return 'MET';
    }
    const issues = unmet.map(({ rule: { customerField, peerField } }) => {
      const message = `The record that ${customerField} names has no pair yet. It is exchanged when there is one.`;
      return { reason: 'REFERENCE_PENDING', message, field: peerField };
    });
    tellIssues(this.context, recordId, issues);
    return unmet.length > 0 ? 'WAITS' : 'NOTHING';
  }
}
