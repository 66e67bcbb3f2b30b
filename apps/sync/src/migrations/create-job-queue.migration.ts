import { Migration } from '@mikro-orm/migrations';
import { getConstructionPlans } from 'pg-boss';

const jobSchema = 'pgboss';

/** The tables of pg-boss in their own schema, and the privileges of the app role. */
export class CreateJobQueue extends Migration {
  override name = 'create-job-queue';

  override up(): void {
    // The migration is a transaction already.
    const plans = getConstructionPlans(jobSchema)
      .replace(/^\s*BEGIN;/, '')
      .replace(/COMMIT;\s*$/, '');
    this.addSql(plans);
    this.addSql(`
      do $$
      declare app text := current_database() || '_app';
      begin
        execute format('grant usage on schema ${jobSchema} to %I', app);
        execute format('grant select, insert, update, delete on all tables in schema ${jobSchema} to %I', app);
        execute format('grant usage on all sequences in schema ${jobSchema} to %I', app);
        execute format('grant execute on all functions in schema ${jobSchema} to %I', app);
      end $$;
    `);
  }
}
