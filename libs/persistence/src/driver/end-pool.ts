import type { MikroORM } from '@mikro-orm/postgresql';

/**
 * Makes `close` of an ORM end its pool: Kysely (0.29) does so only after it has taken a connection itself, which never
 * happens where all statements bypass it.
 */
export function endPoolWith(orm: MikroORM): void {
  const close = orm.close.bind(orm);
  orm.close = async (force) => {
    const pool = await orm.em.getConnection().getNativeClient();
    await close(force);
    if (!pool.ending) await pool.end();
  };
}
