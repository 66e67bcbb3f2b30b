import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection, type Statement } from '@rapport/persistence';
import type { PoolClient } from 'pg';
import { awayError } from './database-away.js';

/** The setting that row-level security policies read. */
const tenantSetting = 'app.tenant_id';

/**
 * Database access of the OpenID provider. Its requests belong to any tenant, or to none yet, so each statement sets the tenant whose
 * rows it sees.
 */
export class OidcDatabase {
  readonly #transaction = new AsyncLocalStorage<Queue>();

  constructor(private readonly em: EntityManager) {}

  /**
   * Runs a statement, in the open transaction if there is one.
   *
   * @param tenantId tenant whose rows it sees. Without it, it sees no rows of tables with row-level security.
   */
  async rows<Row extends object>(statement: Statement, tenantId = ''): Promise<Row[]> {
    const run = async (client: PoolClient) => {
      const [, result] = await pipeline(client, [settingStatement({ [tenantSetting]: tenantId }), statement]);
      return (result?.rows ?? []) as Row[];
    };
    const open = this.#transaction.getStore();
    return refusingWhileAway(open ? open.add(run) : withConnection(this.em, run));
  }

  /** Runs all statements of `work` in one transaction, which is rolled back when `work` throws. */
  async transaction<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const done = withConnection(this.em, async (client) => {
      await client.query('begin');
      const answer = await this.#transaction.run(new Queue(client), work);
      await client.query('commit');
      return answer;
    });
    return refusingWhileAway(done);
  }

  get isInTransaction(): boolean {
    return this.#transaction.getStore() !== undefined;
  }
}

/** @throws DatabaseAway for a failure that passes */
function refusingWhileAway<Answer>(work: Promise<Answer>): Promise<Answer> {
  return work.catch((error: unknown) => {
    throw awayError(error);
  });
}

/** Serialises the concurrent statements of the provider on the connection of the transaction. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly client: PoolClient) {}

  add<Answer>(run: (client: PoolClient) => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(() => run(this.client));
    this.#last = answer.catch(() => undefined);
    return answer;
  }
}
