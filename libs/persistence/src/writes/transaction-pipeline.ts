import type { EntityManager } from '@mikro-orm/postgresql';
import type { QueryResultRow } from 'pg';
import { isConnectionLoss } from '../database-errors.js';
import { clientOfTransaction } from '../driver/open-transaction.js';
import { pipeline } from '../driver/pipeline.js';
import { readForTenant } from '../tenants/read-for-tenant.js';
import {
  failedStatement,
  StatementTransaction,
  type ReadRows,
  type TransactionStatement,
} from './statement-transaction.js';

/**
 * Runs statements in one network round trip in the open transaction of `em`. Unlike `em.execute`, which writes values
 * into the SQL, it sends them as parameters. After an error the transaction can only be rolled back.
 *
 * @returns the rows of each statement
 * @throws Unexplained when the failed statement has an `explain`
 */
export async function transactionPipeline(
  em: EntityManager,
  statements: readonly TransactionStatement[],
): Promise<QueryResultRow[][]> {
  try {
    const results = await pipeline(await clientOfTransaction(em), statements);
    return results.map(({ rows }) => rows as QueryResultRow[]);
  } catch (error) {
    const { explain } = failedStatement(statements, error) ?? {};
    throw explain && !isConnectionLoss(error) ? new Unexplained(error, (read) => explain(error, read)) : error;
  }
}

/**
 * Thrown in a transaction by a statement whose error can be explained after the rollback: until then the transaction
 * holds its connection, and waiting for a second connection could deadlock the pool.
 */
export class Unexplained extends Error {
  constructor(
    cause: unknown,
    private readonly explain: (read: ReadRows) => unknown,
  ) {
    super('A statement of a transaction failed.', { cause });
  }

  /** The error to throw instead. @param em in no transaction */
  async explained(em: EntityManager): Promise<unknown> {
    return this.explain((statement) => readForTenant(em, statement));
  }
}

/**
 * Does work that takes a StatementTransaction in the open transaction of `em`, such as that of a timer, which ends it. After an error
 * the transaction can only be rolled back.
 */
export async function inOpenTransaction<Result>(
  em: EntityManager,
  work: (transaction: StatementTransaction) => Promise<Result>,
): Promise<Result> {
  const transaction = StatementTransaction.within(await clientOfTransaction(em));
  const result = await work(transaction);
  await transaction.run();
  return result;
}

/** The rows of each statement, all in one round trip of the open transaction. */
export function runStatements(
  source: EntityManager | StatementTransaction,
  ...statements: TransactionStatement[]
): Promise<QueryResultRow[][]> {
  return source instanceof StatementTransaction ? source.run(...statements) : transactionPipeline(source, statements);
}

/** The rows of a reading statement: in the open transaction, or in one of its own for the caller's tenant. */
export async function queryRows<Row extends object>(
  source: EntityManager | StatementTransaction,
  statement: TransactionStatement,
): Promise<Row[]> {
  if (source instanceof StatementTransaction) return source.rows(statement);
  if (!source.isInTransaction()) return readForTenant(source, statement);
  const [rows = []] = await transactionPipeline(source, [statement]);
  return rows as Row[];
}
