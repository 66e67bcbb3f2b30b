import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, type Statement } from '../driver/pipeline.js';
import { withConnection } from '../connections/pooled-connection.js';
import { SharedReads } from '../connections/shared-reads.js';
import { ownersSetting, tenantSetting } from './call-variables.js';
import { sessionVariables } from './call-entity-manager.js';

/** A writing statement can't be a part of a SELECT. */
const isSelect = /^\s*select\s/;

/** PostgreSQL settings by name. */
type Settings = Readonly<Record<string, string>>;

/**
 * Reads what the session of `em` can see, in one network round trip: row-level security's settings and the statement
 * are a transaction of their own, outside of any open transaction of `em`. Without a tenant it sees no rows.
 *
 * @param statement a named SELECT is planned once per connection, and applies the settings itself
 * @param settings of PostgreSQL, for this statement only, such as `{ enable_seqscan: 'off' }`
 * @returns the rows, with values as `em.execute` returns them
 */
export async function readForTenant<Row extends object>(
  em: EntityManager,
  statement: Statement,
  settings: Settings = {},
): Promise<Row[]> {
  const seen = seenBy(em);
  const makesSettings =
    statement.name !== undefined && isSelect.test(statement.sql) && Object.keys(settings).length === 0;
  const statements = makesSettings
    ? [withSettings(statement, seen)]
    : [settingStatement({ ...settings, ...seen }), statement];
  const results = statement.isQuick
    ? await SharedReads.of(em).read(seen[tenantSetting] ?? '', statements)
    : await withConnection(em, (client) => pipeline(client, statements), statement.isScan);
  return results.at(-1)?.rows as Row[];
}

/**
 * Reads what the session of `em` can see by several statements, in one network round trip and one transaction. They may scan
 * many rows, see `Statement`.
 *
 * @param settings of PostgreSQL, for these statements only
 * @returns the rows of each statement
 */
export async function readEachForTenant<Row extends object>(
  em: EntityManager,
  statements: readonly Statement[],
  settings: Settings,
): Promise<Row[][]> {
  if (statements.length === 0) return [];
  const [, ...results] = await withConnection(
    em,
    (client) => pipeline(client, [settingStatement({ ...settings, ...seenBy(em) }), ...statements]),
    true,
  );
  return results.map(({ rows }) => rows as Row[]);
}

/** The settings that row-level security needs for the session of `em`. */
function seenBy(em: EntityManager): Settings {
  const { [tenantSetting]: tenantId = '', [ownersSetting]: owners } = sessionVariables(em);
  // Callers without a scope limit need no setting for it.
  return { [tenantSetting]: tenantId, ...(owners !== undefined && { [ownersSetting]: owners }) };
}

/** A statement that applies settings to its transaction. */
export function settingStatement(variables: Settings): Statement {
  const entries = Object.entries(variables);
  const calls = entries.map((_, index) => settingCall(2 * index + 1));
  // One statement name for each number of settings: their names are parameters.
  return { sql: `select ${calls.join(', ')}`, values: entries.flat(), name: `settings_${entries.length}` };
}

/**
 * A SELECT that applies settings to its transaction before it reads a row: saves a statement, which costs PostgreSQL as
 * much as finding a row by its key. `set_config` is volatile, so it is called; the SELECT depends on its result and
 * neither can be flattened into the other (`offset 0`), so it runs first. The policies read the settings when their
 * scan begins. If the order ever changed, they would find no tenant, and the statement no row.
 */
function withSettings({ sql, values = [], name = '', ...rest }: Statement, variables: Settings): Statement {
  const entries = Object.entries(variables);
  const within = `${name}_within_${entries.length}`;
  const made = madeBefore.get(within);
  const wrapped = made?.sql === sql ? made.wrapped : wrap(sql, values.length, entries.length);
  if (wrapped !== made?.wrapped) madeBefore.set(within, { sql, wrapped });
  return { ...rest, name: within, sql: wrapped, values: [...values, ...entries.flat()] };
}

/** By name, the wrapped text of named statements: they are few, and each runs often. */
const madeBefore = new Map<string, { sql: string; wrapped: string }>();

/**
 * @param values number of parameters of the statement; those of the settings follow
 * @param settings number of settings
 */
function wrap(sql: string, values: number, settings: number): string {
  const indexes = Array.from({ length: settings }, (_, index) => index);
  const calls = indexes.map((index) => `${settingCall(values + 2 * index + 1)} as setting_${index}`);
  const areMade = indexes.map((index) => `made.setting_${index} is not null`);
  return `select answer.* from (select ${calls.join(', ')} offset 0) made
      cross join lateral (select wanted.* from (${sql}) wanted where ${areMade.join(' and ')} offset 0) answer`;
}

/** @param first number of the parameter with the name; the value's parameter follows */
function settingCall(first: number): string {
  return `set_config($${first}, $${first + 1}, true)`;
}
