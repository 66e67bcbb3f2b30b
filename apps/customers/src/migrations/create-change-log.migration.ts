import { Migration } from '@mikro-orm/migrations';
import { changeLogFunctions } from './change-log-functions.js';
import { releasedChangeLogRights } from './change-log-rights.js';
import { changeLogTables } from './change-log-tables.js';
import { loggedTables, triggersOf } from './change-log-triggers.js';

/** The change log: what triggers write in the transaction of a change, and what the sequencer makes of it. */
export class CreateChangeLog extends Migration {
  override name = 'create-change-log';

  override up(): void {
    this.addSql(changeLogTables);
    this.addSql(changeLogFunctions);
    for (const table of loggedTables) this.addSql(triggersOf(table));
    this.addSql(releasedChangeLogRights);
  }
}
