import { Migration } from '@mikro-orm/migrations';
import { sequenceChanges } from './audit-changes.migration.js';

/**
 * Has the sequencer look for changes before it takes the lock of the log and starts the statement that moves them: two of three looks
 * find none, since a write may be rolled back or not be logged, and other processes may have written. It is called as before, with the
 * plans of `plan-sequencing-once`.
 */
export class LookBeforeSequencing extends Migration {
  override name = 'look-before-sequencing';

  override up(): void {
    this.addSql(sequenceChanges({ withTraces: true, looksFirst: true }));
  }
}
