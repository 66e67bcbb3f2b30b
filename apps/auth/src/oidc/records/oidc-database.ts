import { AsyncLocalStorage } from 'node:async_hooks';
import type { EntityManager } from '@mikro-orm/postgresql';
import { pipeline, settingStatement, withConnection, type Statement } from '@rapport/persistence';
import type { PoolClient } from 'pg';

/** The setting that row-level security goes by. */
const tenantSetting = 'app.tenant_id';

/**
 * The database as the OpenID provider uses it: whoever asks may be of any tenant, or of none yet. Each statement says whose
 * rows it may see.
 */
export class OidcDatabase {
  readonly #transaction = new AsyncLocalStorage<Queue>();

  constructor(private readonly em: EntityManager) {}

  /**
   * Runs a statement, in the transaction that is open if there is one.
   *
   * @param tenantId whose rows it sees; without it, none of any table that keeps tenants apart
   */
  async rows<Row extends object>(statement: Statement, tenantId = ''): Promise<Row[]> {
    const run = async (client: PoolClient) => {
      const [, result] = await pipeline(client, [settingStatement({ [tenantSetting]: tenantId }), statement]);
      return (result?.rows ?? []) as Row[];
    };
    const open = this.#transaction.getStore();
    return open ? open.add(run) : withConnection(this.em, run);
  }

  /** Makes one transaction of everything that `work` asks for: all of it is done, or none when `work` throws. */
  async transaction<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    return withConnection(this.em, async (client) => {
      await client.query('begin');
      const answer = await this.#transaction.run(new Queue(client), work);
      await client.query('commit');
      return answer;
    });
  }

  get isInTransaction(): boolean {
    return this.#transaction.getStore() !== undefined;
  }
}

/** The provider asks for several things at once, and a connection does one at a time. */
class Queue {
  #last: Promise<unknown> = Promise.resolve();

  constructor(private readonly client: PoolClient) {}

  add<Answer>(run: (client: PoolClient) => Promise<Answer>): Promise<Answer> {
    const answer = this.#last.then(() => run(this.client));
    this.#last = answer.catch(() => undefined);
    return answer;
  }
}
