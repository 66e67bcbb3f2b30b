import { createHash } from 'node:crypto';

/** The part of MikroORM's `Migration` that is read. */
interface Migration {
  name?: string;
  up(): unknown;
  getQueries(): unknown[];
}

type MigrationClass = new (driver: never, configuration: never) => Migration;

/**
 * Digests of the SQL of migrations, by their names, in their order. A released migration has run in databases of others:
 * its SQL must never change.
 */
export function migrationDigests(migrations: readonly MigrationClass[]): Record<string, string> {
  return Object.fromEntries(
    migrations.map((each) => {
      const { name, queries } = textOf(each);
      return [name, createHash('sha256').update(JSON.stringify(queries)).digest('hex')];
    }),
  );
}

const indexForm = /^create (?:unique )?index (?!concurrently )(?:if not exists )?\w+ on (?:only )?(?<table>\w+)/i;
const alterForm = /^alter table (?:only )?(?<table>\w+) (?<actions>.+)$/i;

/** Whether an action of ALTER TABLE reads all rows under its lock, or fails the running release. */
function isLocking(action: string): boolean {
  if (/^add constraint /i.test(action)) return !/ not valid$| using index /i.test(action);
  if (/^add column /i.test(action)) return / not null/i.test(action) && !/ default /i.test(action);
  return /^rename /i.test(action) || /^alter column \w+ (?:set not null|type |set data type )/i.test(action);
}

/** The table that a statement locks for as long as it reads the table's rows. */
function lockedTable(statement: string): string | undefined {
  const altered = alterForm.exec(statement)?.groups;
  const isAltered = altered?.['actions']?.split(/, (?=(?:add|alter|drop|rename|validate) )/i).some(isLocking);
  return isAltered ? altered?.['table'] : indexForm.exec(statement)?.groups?.['table'];
}

/**
 * The changes of a table that a release has filled, by migrations after it, which hold up the service beside them: an index that is not
 * built concurrently, a constraint that is not added `not valid`, and the like.
 *
 * @param released names of the released migrations
 * @param smallTables whose rows are few in every database
 */
export function lockingChanges(
  migrations: readonly MigrationClass[],
  released: readonly string[],
  smallTables: readonly string[] = [],
): string[] {
  const statements = migrations
    .map(textOf)
    .flatMap(({ name, queries }) =>
      queries.flatMap((query) => statementsOf(String(query))).map((statement) => ({ name, statement })),
    );
  const isReleased = ({ name }: { name: string }) => released.includes(name);
  const made = statements.filter(isReleased).map(({ statement }) => /^create table (\w+)/i.exec(statement)?.[1]);
  const filled = new Set(made.filter((table) => table !== undefined && !smallTables.includes(table)));
  return statements
    .filter((each) => !isReleased(each) && filled.has(lockedTable(each.statement)))
    .map(({ name, statement }) => `${name}: ${statement}`);
}

/** Without comments, on one line each. */
function statementsOf(sql: string): string[] {
  const code = sql.split('\n').map((line) => line.split('--', 1)[0]);
  return code
    .join(' ')
    .split(';')
    .map((statement) => statement.trim().split(/\s+/).join(' '));
}

function textOf(each: MigrationClass): { name: string; queries: unknown[] } {
  const migration = new each(undefined as never, undefined as never);
  migration.up();
  return { name: migration.name ?? each.name, queries: migration.getQueries() };
}
