import { Migration } from '@mikro-orm/migrations';
import { sequenceChanges } from './audit-changes.migration.js';

/**
 * Takes changes out of the outbox by their address. By their key the plan of the statement hung on what was last known of a
 * table that is empty at one moment and full at the next: a session that had planned for an empty one took 0.5 s for each
 * 256 changes, until the next `analyze`. It is called as before.
 */
export class TakeChangesByAddress extends Migration {
  override name = 'take-changes-by-address';

  override up(): void {
    this.addSql(sequenceChanges({ withTraces: false }));
  }
}
