import type { ClientBase, QueryResultRow } from 'pg';
import { callVariables } from '../tenants/call-variables.js';
import { isConnectionLoss } from '../database-errors.js';
import { pipeline, type Statement } from '../driver/pipeline.js';
import { settingStatement } from '../tenants/read-for-tenant.js';
import { lockTimeout } from './lock-timeout.js';

/** Reads what the caller's tenant can see, outside of a transaction. */
export type ReadRows = <Row extends object>(statement: Statement) => Promise<Row[]>;

/** A statement of a transaction. */
export interface TransactionStatement extends Statement {
  /**
   * Returns, or resolves to, the error to throw in place of this statement's. `read` sees nothing of the transaction,
   * and everything that others have committed meanwhile.
   */
  explain?: (error: unknown, read: ReadRows) => unknown;
}

/** Statements before the work of a transaction. */
export interface Opening {
  statements: readonly TransactionStatement[];
  /** Read before the first statement whose result the work awaits. An error of `check` ends the transaction. */
  first?: { statement: Statement; check: (rows: QueryResultRow[]) => void };
}

/**
 * Thrown by the `explain` of a statement that checks what the work expected without reading it. `writeStatementsOnce` then runs the
 * work again, without expectations.
 */
export class NotAsExpected extends Error {
  constructor() {
    super('A write did not find what it expected.');
  }
}

/**
 * One transaction of the current call, in as few network round trips as possible: a statement whose result nothing
 * awaits travels with the next one, at the latest with the commit.
 */
export class StatementTransaction {
  readonly #waiting: TransactionStatement[] = [];
  #isBegun = false;

  /**
   * @param client in no transaction, and used by nothing else until the end of this one
   * @param expects whether a statement may fail with `NotAsExpected`
   */
  constructor(
    private readonly client: ClientBase,
    private readonly opening: Opening = { statements: [] },
    private readonly expects = false,
  ) {}

  /** A transaction that is open already. What opened it commits it. */
  static within(client: ClientBase): StatementTransaction {
    const transaction = new StatementTransaction(client);
    transaction.#isBegun = true;
    return transaction;
  }

  /** Whether it has run and queued no statement yet. */
  get isFresh(): boolean {
    return !this.#isBegun && this.#waiting.length === 0;
  }

  /** Whether checking something along with the next statements, in place of reading it first, saves a round trip. */
  get mayExpect(): boolean {
    return this.expects && this.isFresh;
  }

  /** Begins the transaction before its first statement, unless it has begun. */
  async begin(): Promise<void> {
    if (this.#isBegun) return;
    const { first } = this.opening;
    const [rows = []] = await this.#send(first ? [first.statement] : []);
    first?.check(rows);
  }

  /** Queues statements for the next round trip. */
  later(...statements: TransactionStatement[]): void {
    this.#waiting.push(...statements);
  }

  /** The rows of each statement, all in one round trip. */
  async run(...statements: TransactionStatement[]): Promise<QueryResultRow[][]> {
    const first = this.#isBegun ? undefined : this.opening.first;
    const all = [...(first ? [first.statement] : []), ...this.#waiting.splice(0), ...statements];
    const rows = await this.#send(all);
    first?.check(rows[0] ?? []);
    return rows.slice(all.length - statements.length);
  }

  /** The rows of one statement. */
  async rows<Row extends object>(statement: TransactionStatement): Promise<Row[]> {
    const [rows = []] = await this.run(statement);
    return rows as Row[];
  }

  /**
   * Runs the queued statements, after `ahead`, and commits. Statements that fit into this one round trip are a
   * transaction without BEGIN and COMMIT.
   */
  async commit(ahead: readonly TransactionStatement[] = []): Promise<void> {
    const statements = [...ahead, ...this.#waiting.splice(0)];
    if (this.#isBegun) await this.#send([...statements, { name: 'commit', sql: 'commit' }]);
    else await this.#sendBehind(this.#settings({ plan_cache_mode: 'force_generic_plan' }), statements);
  }

  /** Runs the queued statements and the checks of the commit, and rolls the transaction back. */
  async rollBack(): Promise<void> {
    const check = { name: 'check_constraints', sql: 'set constraints all immediate' };
    await this.#send([...this.#waiting.splice(0), check, { name: 'rollback', sql: 'rollback' }]);
  }

  async #send(statements: TransactionStatement[]): Promise<QueryResultRow[][]> {
    const opening = this.#isBegun ? [] : [{ name: 'begin', sql: 'begin' }, ...this.#settings()];
    this.#isBegun = true;
    return this.#sendBehind(opening, statements);
  }

  #settings(others: Readonly<Record<string, string>> = {}): TransactionStatement[] {
    return [settingStatement({ ...callVariables(), ...lockTimeout, ...others }), ...this.opening.statements];
  }

  /** @returns the rows of `statements` */
  async #sendBehind(
    opening: readonly TransactionStatement[],
    statements: readonly TransactionStatement[],
  ): Promise<QueryResultRow[][]> {
    const all = [...opening, ...statements];
    try {
      const results = await pipeline(this.client, all);
      return results.slice(opening.length).map(({ rows }) => rows as QueryResultRow[]);
    } catch (error) {
      const { explain } = failedStatement(all, error) ?? {};
      if (!explain || isConnectionLoss(error)) throw error;
      if (this.client.getTransactionStatus() !== 'I') await this.client.query('rollback');
      throw await explain(error, (statement) => this.#read(statement));
    }
  }

  async #read<Row extends object>(statement: Statement): Promise<Row[]> {
    const [, result] = await pipeline(this.client, [settingStatement(callVariables()), statement]);
    return result?.rows as Row[];
  }
}

/** The failed statement of a pipeline; undefined when none failed by itself, such as after a lost connection. */
export function failedStatement<Kind extends Statement>(statements: readonly Kind[], error: unknown): Kind | undefined {
  if (!(error instanceof Error && 'statement' in error && typeof error.statement === 'number')) return undefined;
  return statements[error.statement];
}
