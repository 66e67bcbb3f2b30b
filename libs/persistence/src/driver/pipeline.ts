import { createHash } from 'node:crypto';
import pg, { type ClientBase, type Connection, type FieldDef, type QueryResult, type Submittable } from 'pg';
import { statementSummary } from './statement-summary.js';
import { RowShape } from './row-shape.js';

/** One statement of a pipeline. */
export interface Statement {
  /** SQL with `$1` and so on for `values`. */
  sql: string;
  /** In pg's types: an array becomes a PostgreSQL array, an object becomes JSON. */
  values?: readonly unknown[];
  /**
   * Prepares the statement under this name for the life of its connection. Use it only for SQL of a small, fixed set,
   * and only where one plan is good for all values: after five runs PostgreSQL may choose a generic plan.
   */
  name?: string;
  /**
   * Whether it reads few rows, and finds them by an index. Such a statement is so quick that reads of other calls may wait
   * for it on a shared connection.
   */
  isQuick?: boolean;
  /** Whether it may test, sort or count many rows. A tenant runs few of these at the same time. */
  isScan?: boolean;
  /**
   * Makes a row from the texts of its columns, in their order. By default rows are objects by column name, with parsed
   * values.
   */
  row?: (texts: readonly (string | null)[]) => object;
}

/**
 * Runs statements in one network round trip, in their order, on a connection that nothing else uses. Unless a
 * transaction is open or BEGIN is among them, they are one transaction, and a transaction-local setting (`set_config(…,
 * true)`) holds until their end. The first failure ends the pipeline: the server skips the statements after it
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-PIPELINING).
 *
 * @returns the result of each statement, its values parsed as the connection's `query` does it
 * @throws what `query` throws, with `statement` set to the index of the failed statement. The server is then ready for
 *   the next statement and `client.getTransactionStatus()` is true, unless the connection was lost
 */
export function pipeline(client: ClientBase, statements: readonly Statement[]): Promise<QueryResult[]> {
  if (statements.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    client.query(
      new Pipeline(client, statements, (error, results) => {
        if (error) reject(error);
        else resolve(results);
      }),
    );
  });
}

/**
 * Sends the pipelines that `send` starts in one write: independent pipelines, each a transaction of its own. None waits
 * for the result of another, and a failed one does not affect the others.
 *
 * @param send calls `pipeline` on the connection, once or more often, before it returns
 */
export async function inOneWrite<Answer>(client: ClientBase, send: () => Promise<Answer>): Promise<Answer> {
  const pipelining = client as Pipelining;
  const { stream } = pipelining.connection;
  pipelining.pipeline = true;
  try {
    stream.cork();
    let answers: Promise<Answer>;
    try {
      answers = send();
    } finally {
      stream.uncork();
    }
    return await answers;
  } finally {
    pipelining.pipeline = false;
  }
}

/** Makes `end` of the connection close it at once, instead of after the results of what `inOneWrite` has sent. */
export function waitForNoAnswer(client: ClientBase): void {
  (client as Pipelining).pipeline = false;
}

/** Not in @types/pg. https://node-postgres.com/features/pipelining */
type Pipelining = ClientBase & { pipeline: boolean; connection: PgConnection };

// Not in @types/pg: pg's serialization of values, and its parsed command tag.
const { prepareValue } = (pg as unknown as { utils: { prepareValue: (value: unknown) => string | Buffer | null } })
  .utils;

interface PgResult extends QueryResult {
  addCommandComplete(message: unknown): void;
}

interface PgConnection extends Pick<Connection, 'stream' | 'on' | 'off'> {
  /** Text by name of the statements that the server has prepared, and of those in flight. */
  parsedStatements: Record<string, string>;
  submittedNamedStatements: Record<string, string>;
  parse(statement: { name: string; text: string }): void;
  bind(portal: { statement: string; values: unknown[] }): void;
  describe(portal: { type: 'P'; name: string }): void;
  execute(portal: { portal: string; rows: number }): void;
  sync(): void;
}

/** Most statements that the summary of a pipeline names. */
const maxSummarised = 8;

/** Row shapes of the named statements of a connection, by name: described once, as each is prepared once. */
const knownShapes = new WeakMap<ClientBase, Map<string, RowShape>>();

/**
 * Text by name of all statements that this process has prepared. A name with two texts is refused on every connection: otherwise
 * it would fail only now and then, where both texts come to one connection.
 */
const preparedTexts = new Map<string, string>();

/** Bytes of a statement's name that the server compares (NAMEDATALEN - 1). */
const comparedBytes = 63;

/** The name of a statement at the server, which takes names that differ only behind the compared bytes for one. */
function serverName(name: string): string {
  if (name.length <= comparedBytes) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${name.slice(0, comparedBytes - hash.length - 1)}_${hash}`;
}

/** pg's client drives it like its own `Query`: node_modules/pg/lib/{client,query}.js. */
class Pipeline implements Submittable {
  readonly #results: PgResult[];
  readonly #values: unknown[][];
  readonly #shapes: (RowShape | undefined)[];
  /** Index of the statement that the server is running. */
  #current = 0;
  #error: Error | undefined;

  constructor(
    private readonly client: ClientBase,
    private readonly statements: readonly Statement[],
    // pg replaces it to watch `query_timeout`.
    public callback: (error: Error | null, results: QueryResult[]) => void,
  ) {
    this.#results = statements.map(() => new pg.Result('', pg.types) as PgResult);
    const known = knownShapes.get(client);
    this.#shapes = statements.map(({ name }) => (name === undefined ? undefined : known?.get(name)));
    // Before sending anything: a value that can't be serialized leaves the connection unchanged.
    this.#values = statements.map(({ values = [] }) => values.map((value) => prepareValue(value)));
  }

  /** For traces: operations without values. */
  get summary(): string {
    const names = this.statements.slice(0, maxSummarised).map(({ name, sql }) => name ?? statementSummary(sql));
    return [...new Set(names)].join(', ');
  }

  /** pg tracks prepared statements by name and text. */
  get name(): string {
    return this.statements[this.#current]?.name ?? '';
  }

  get text(): string {
    return this.statements[this.#current]?.sql ?? '';
  }

  /** @returns why nothing was sent */
  submit(connection: Connection): Error | null {
    const server = connection as unknown as PgConnection;
    const known = this.statements.map(({ name }) => textOf(server, name));
    const clash = this.statements.find(
      ({ name = '', sql }, index) => (known[index] ?? preparedTexts.get(name) ?? sql) !== sql,
    );
    if (clash) return new Error(`The statement name ${clash.name} is already in use.`);
    server.stream.cork();
    try {
      for (const [index, { sql, name = '' }] of this.statements.entries()) {
        const statement = serverName(name);
        if (textOf(server, name) === undefined) server.parse({ name: statement, text: sql });
        if (name !== '') {
          server.submittedNamedStatements[name] = sql;
          if (known[index] === undefined) preparedTexts.set(name, sql);
        }
        server.bind({ statement, values: this.#values[index] ?? [] });
        if (!this.#shapes[index] && !this.statements[index]?.row) server.describe({ type: 'P', name: '' });
        server.execute({ portal: '', rows: 0 });
      }
      server.sync();
    } finally {
      server.stream.uncork();
    }
    return null;
  }

  handleRowDescription({ fields }: { fields: FieldDef[] }): void {
    const shape = new RowShape(this.client, fields);
    this.#shapes[this.#current] = shape;
    if (this.name === '') return;
    const known = knownShapes.get(this.client) ?? new Map<string, RowShape>();
    knownShapes.set(this.client, known.set(this.name, shape));
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    if (this.#error) return;
    try {
      const { row } = this.statements[this.#current] ?? {};
      this.#result.rows.push(row ? row(fields) : this.#shapes[this.#current]?.row(fields));
    } catch (error) {
      this.#error = this.#placed(error as Error);
    }
  }

  handleCommandComplete(message: unknown): void {
    this.#result.addCommandComplete(message);
    this.#result.fields = this.#shapes[this.#current]?.fields ?? [];
    this.#current += 1;
  }

  handleEmptyQuery(): void {
    this.#current += 1;
  }

  handlePortalSuspended(): void {
    throw new Error('A pipeline does not support portals with a row limit.');
  }

  handleCopyInResponse(connection: { sendCopyFail(reason: string): void }): void {
    connection.sendCopyFail('A pipeline does not support COPY FROM.');
  }

  handleCopyData(): void {
    // The output of COPY TO is ignored: a pipeline returns rows.
  }

  /**
   * Called by the server, by pg after a lost connection or an expired `query_timeout`, and after `submit` has refused.
   */
  handleError(error: Error, connection: PgConnection): void {
    if (!(error instanceof pg.DatabaseError)) {
      this.callback(this.#error ?? error, []);
      return;
    }
    this.#error = this.#placed(error);
    // The server skipped the later statements, so they are not prepared.
    for (const { name } of this.statements.slice(this.#current)) {
      if (name !== undefined) delete connection.submittedNamedStatements[name];
    }
    const settle = () => {
      connection.off('readyForQuery', settle);
      connection.off('end', settle);
      this.callback(error, []);
    };
    connection.on('readyForQuery', settle);
    connection.on('end', settle);
  }

  handleReadyForQuery(): void {
    this.callback(this.#error ?? null, this.#results);
  }

  get #result(): PgResult {
    const result = this.#results[this.#current];
    if (!result) throw new Error('The server has completed more statements than were sent.');
    return result;
  }

  #placed(error: Error): Error {
    return Object.assign(error, { statement: this.#current });
  }
}

function textOf({ parsedStatements, submittedNamedStatements }: PgConnection, name = ''): string | undefined {
  return name === '' ? undefined : (parsedStatements[name] ?? submittedNamedStatements[name]);
}
