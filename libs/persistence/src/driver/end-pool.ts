import type { MikroORM } from '@mikro-orm/postgresql';

/**
 * Makes `close` of an ORM end its pool: Kysely (0.29) does so only once it has taken a connection itself, which it never has where
 * all statements go past it.
 */
export function endPoolWith(orm: MikroORM): void {
  const close = orm.close.bind(orm);
  orm.close = async (force) => {
    const pool = await orm.em.getConnection().getNativeClient();
    await close(force);
    if (!pool.ending) await pool.end();
  };
}
