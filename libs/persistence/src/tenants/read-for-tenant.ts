import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, type Statement } from '../driver/pipeline.js';
import { withConnection } from '../connections/pooled-connection.js';
import { SharedReads } from '../connections/shared-reads.js';
import { ownersSetting, tenantSetting } from './call-variables.js';
import { sessionVariables } from './call-entity-manager.js';

/** Another statement may write, which no part of a SELECT may. */
const isSelect = /^\s*select\s/;

/** Settings of PostgreSQL by their names. */
type Settings = Readonly<Record<string, string>>;

/**
 * Reads what the session of `em` may see, in one network round trip: row-level security's settings and the statement are
 * a transaction of their own, outside of any that `em` has open. Without a tenant no tenant's rows are seen.
 *
 * @param statement a SELECT with a name is planned once for a connection, and makes the settings itself
 * @param settings of PostgreSQL, for this statement only, such as `{ enable_seqscan: 'off' }`
 * @returns the rows, with values as `em.execute` gives them
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
  const [only] = statements;
  const results =
    makesSettings && statement.isQuick && only
      ? await SharedReads.of(em).read(seen[tenantSetting] ?? '', only)
      : await withConnection(em, (client) => pipeline(client, statements));
  return results.at(-1)?.rows as Row[];
}

/**
 * Reads what the session of `em` may see by several statements, in one network round trip and one transaction.
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
  const [, ...results] = await withConnection(em, (client) =>
    pipeline(client, [settingStatement({ ...settings, ...seenBy(em) }), ...statements]),
  );
  return results.map(({ rows }) => rows as Row[]);
}

/** The settings by which row-level security knows what the session of `em` may see. */
function seenBy(em: EntityManager): Settings {
  const { [tenantSetting]: tenantId = '', [ownersSetting]: owners } = sessionVariables(em);
  // Callers who see all need no setting for it.
  return { [tenantSetting]: tenantId, ...(owners !== undefined && { [ownersSetting]: owners }) };
}

/** A statement that makes settings for its transaction. */
export function settingStatement(variables: Settings): Statement {
  const entries = Object.entries(variables);
  const calls = entries.map((_, index) => settingCall(2 * index + 1));
  // One name for each number of settings: what they are called are values.
  return { sql: `select ${calls.join(', ')}`, values: entries.flat(), name: `settings_${entries.length}` };
}

/**
 * A SELECT that makes settings for its transaction before it reads a row: a statement less, which costs PostgreSQL as much as
 * finding a row by its key. `set_config` is volatile, so it is called; the SELECT depends on its answer and neither can be flattened
 * into the other (`offset 0`), so it comes first. The policies look at the settings when their scan begins. Were the order ever
 * another one, they would find no tenant, and the statement no row.
 */
function withSettings({ sql, values = [], name = '', ...rest }: Statement, variables: Settings): Statement {
  const entries = Object.entries(variables);
  const within = `${name}_within_${entries.length}`;
  const made = madeBefore.get(within);
  const wrapped = made?.sql === sql ? made.wrapped : wrap(sql, values.length, entries.length);
  if (wrapped !== made?.wrapped) madeBefore.set(within, { sql, wrapped });
  return { ...rest, name: within, sql: wrapped, values: [...values, ...entries.flat()] };
}

/** By name, what named statements are within their settings: there are few, and each is asked for often. */
const madeBefore = new Map<string, { sql: string; wrapped: string }>();

/**
 * @param values number of parameters of the statement, which those of the settings follow
 * @param settings number of settings
 */
function wrap(sql: string, values: number, settings: number): string {
  const indexes = Array.from({ length: settings }, (_, index) => index);
  const calls = indexes.map((index) => `${settingCall(values + 2 * index + 1)} as setting_${index}`);
  const areMade = indexes.map((index) => `made.setting_${index} is not null`);
  return `select answer.* from (select ${calls.join(', ')} offset 0) made
      cross join lateral (select wanted.* from (${sql}) wanted where ${areMade.join(' and ')} offset 0) answer`;
}

/** @param first number of the parameter with the name, which the one with the value follows */
function settingCall(first: number): string {
  return `set_config($${first}, $${first + 1}, true)`;
}
