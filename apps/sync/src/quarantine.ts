/**
 * Operator's command for changes of the feed that sync could not process:
 *
 *     node apps/sync/dist/quarantine.js list              prints one line of JSON per change, oldest first
 *     node apps/sync/dist/quarantine.js retry all         retries all of them; numbers in place of `all` select some
 *     node apps/sync/dist/quarantine.js discard 12 13     discards those with these numbers: their effects are lost
 *
 * The running processes take retried changes. A change that fails as before returns to quarantine.
 */
import { createOrm } from '@rapport/persistence';
import { readEnvironment } from '@rapport/platform';
import { quarantineVariables } from './serve/configuration.js';
import { entities } from './database.js';

const columns = `number::text as number, tenant_id as "tenantId", type, record_id as "recordId", change_id as "changeId", reason,
  defer_time as "time"`;

const commands: Readonly<Record<string, string>> = {
  list: `select ${columns} from deferred_change where quarantine_time is not null order by deferred_change.number`,
  retry: `update deferred_change set quarantine_time = null, failures = 0
    where quarantine_time is not null and (?::bigint[] is null or number = any (?::bigint[])) returning ${columns}`,
  discard: `delete from deferred_change
    where quarantine_time is not null and (?::bigint[] is null or number = any (?::bigint[])) returning ${columns}`,
};

const [command = 'list', ...given] = process.argv.slice(2);
const sql = commands[command];
const areNumbers = given.every((number) => /^\d{1,18}$/.test(number));
if (!sql || (command === 'list' ? given.length > 0 : !areNumbers && given.join() !== 'all') || isUnsaid()) {
  process.stderr.write('Usage: quarantine.js list | retry all | retry NUMBER… | discard all | discard NUMBER…\n');
  process.exit(2);
}

const { DATABASE_URL: databaseUrl } = readEnvironment(quarantineVariables);
const orm = createOrm({ databaseUrl, entities });
try {
  const numbers = areNumbers ? `{${given.join()}}` : null;
  const rows = await orm.em.fork().execute<object[]>(sql, command === 'list' ? [] : [numbers, numbers]);
  for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`);
} finally {
  await orm.close();
}

/** Whether a command lacks its list of changes. */
function isUnsaid(): boolean {
  return command !== 'list' && given.length === 0;
}
