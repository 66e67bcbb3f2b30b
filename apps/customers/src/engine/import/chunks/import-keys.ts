import { Logger } from '@nestjs/common';
import { isConflict, isUniqueViolation } from '@rapport/persistence';
import { currentSeal } from '../../sealing/seal.js';

const logger = new Logger('ImportKeys');

/**
 * Runs a transaction that creates keys for new records, and deletes these keys if it is rolled back: the database of
 * keys is another one, which no transaction rolls back.
 *
 * @param transact runs the transaction. It calls `attempt` with the work in it, again when it repeats the transaction
 */
export async function withNewKeys<Result>(
  transact: (attempt: <Part>(work: () => Promise<Part>) => Promise<Part>) => Promise<Result>,
): Promise<Result> {
  const from = currentSeal()?.newCount;
  let isRolledBack = false;
  const attempt = async <Part>(work: () => Promise<Part>): Promise<Part> => {
    // A repeated attempt comes after a rollback.
    await dropKeys(from);
    isRolledBack = false;
    try {
      return await work();
    } catch (failure) {
      isRolledBack = true;
      throw failure;
    }
  };
  try {
    return await transact(attempt);
  } catch (failure) {
    // A commit whose answer was lost may have stored what the keys have sealed.
    if (isRolledBack || isRefusedCommit(failure)) await dropKeys(from);
    throw failure;
  }
}

export function isRefusedCommit(failure: unknown): boolean {
  return isUniqueViolation(failure) || isConflict(failure);
}

async function dropKeys(from: number | undefined): Promise<void> {
  try {
    await currentSeal()?.dropNew(from);
  } catch (error) {
    logger.warn('The keys of an import that rolled back were not deleted. They sealed nothing.', error);
  }
}
