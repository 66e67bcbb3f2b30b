import { queryDatabase } from '@rapport/testing';
import { expect, inject, test } from 'vitest';
import { createOrm, withConnection } from '../src/index.js';
import { emptyDatabase, entities } from './note-database.js';

type Orm = ReturnType<typeof createOrm>;

const pastTheOrm = (orm: Orm) => withConnection(orm.em.fork(), (client) => client.query('select 1'));
const throughIt = (orm: Orm) => orm.em.fork().execute('select 1');

test.each<[string, ((orm: Orm) => Promise<unknown>)[]]>([
  ['nothing', []],
  ['statements that bypass it', [pastTheOrm]],
  ['its own statements', [throughIt]],
  ['both', [pastTheOrm, throughIt]],
])('a closed ORM leaves no connection after %s', async (_, uses) => {
  const { appUrl } = await emptyDatabase();
  const orm = createOrm({ databaseUrl: appUrl, entities });
  for (const use of uses) await use(orm);

  await orm.close();

  const sql = 'select from pg_stat_activity where datname = $1';
  const name = new URL(appUrl).pathname.slice(1);
  await expect.poll(() => queryDatabase(inject('superuserUrl'), sql, [name])).toEqual([]);
});
