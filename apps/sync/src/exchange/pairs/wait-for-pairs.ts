import { tellIssues, type ExchangeContext } from '../exchange-context.js';
import type { UnmetReference } from '../mappings/mapping-views.js';
import type { Side } from '../mappings/mapping-views.js';

/** Has a record, or a field of a pair, wait for the pair of another record that a reference names. */
export class ReferenceWaiter {
  constructor(private readonly context: ExchangeContext) {}

  /**
   * @param side whose references are unmet, and the id of the record there
   * @param recordId of the other system, for the issue
   * @returns MET when there is a pair for one of them meanwhile: it is to be read again
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
      // The pair may have come before the wait was noted, when nothing wakes it.
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
