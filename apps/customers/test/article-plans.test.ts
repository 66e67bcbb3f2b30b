import { createOrm, readForTenant, tenantSession } from '@rapport/persistence';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { entities } from '../src/database.js';
import { articleStatement, byWords } from '../src/domain/articles/find-articles.js';
import { nodesOf, rowsRead, type Explained } from './query-plan.js';
import { newCaller, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const { tenantId } = newCaller();
const orm = createOrm({ databaseUrl: customers.urls.appUrl, entities });
const em = orm.em.fork({ session: tenantSession(tenantId) });

beforeAll(async () => {
  const superuser = await customers.connectAsSuperuser();
  // Texts without their articles.
  await superuser.query('set session_replication_role = replica');
  await superuser.query(
    `insert into article_text (tenant_id, article_id, locale, audience, path, title, excerpt, words)
     select $1, gen_random_uuid(), locale, 'PUBLIC', locale || '/' || n, n, '',
       to_tsvector('simple', 'common words of article ' || n)
     from generate_series(1, 1000) n, unnest(array['en', 'de-AT', 'tlh']) locale`,
    [tenantId],
  );
  await superuser.query('analyze article_text');
  await superuser.end();
});
afterAll(() => orm.close());

test.each([true, false])('a search of articles reads those with the words only (all words: %s)', async (needsAll) => {
  const sought = { words: '500', pairs: null, language: null, readers: ['PUBLIC'] };
  const { sql, values = [] } = articleStatement({ tenantId, limit: 10, needsAll, ...sought });
  const explain = { sql: `explain (analyze, format json) ${sql}`, values };
  const nodes = nodesOf((await readForTenant<Explained>(em, explain, byWords))[0]);
  expect(nodes.find((node) => node['Index Name'] === 'article_text_words')?.['Index Cond']).toContain('@@');
  // Those of three locales, and each locale by a look at its first text.
  expect(rowsRead(nodes)).toBeLessThan(20);
});
