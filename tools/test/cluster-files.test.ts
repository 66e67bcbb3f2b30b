import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { provisionDatabase, queryDatabase, sharedPlatform, startEmbeddedPostgres } from '@rapport/testing';
import { expect, inject, test } from 'vitest';

const components = join(import.meta.dirname, '../../k8s/components');

test('every metric of the dashboard and of the alerts exists in a running platform', async () => {
  const files = ['monitoring/dashboard.json', 'monitoring/alerts.yaml'];
  const text = files.map((file) => readFileSync(join(components, file), 'utf8')).join('\n');
  const named = new Set(text.match(/\b(?:rapport|process|nodejs)_[a-z0-9_]+/g));
  const { metricsUrls } = await sharedPlatform(inject('platformUrl'));

  const pages = await Promise.all(metricsUrls.map(async (url) => (await fetch(url)).text()));

  const exported = new Set([...pages.join('\n').matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  expect(named.size).toBeGreaterThan(10);
  // A histogram has series with these endings.
  const isExported = (name: string) => exported.has(name) || exported.has(name.replace(/_(?:bucket|count|sum)$/, ''));
  expect([...named].filter((name) => !isExported(name))).toEqual([]);
});

test('a database of the cluster gets the rights that npm start gives', async () => {
  const postgres = await startEmbeddedPostgres();
  try {
    const { superuserUrl } = postgres;
    await provisionDatabase(superuserUrl, 'here');
    await queryDatabase(superuserUrl, 'CREATE ROLE there_owner LOGIN');
    await queryDatabase(superuserUrl, 'CREATE DATABASE there OWNER there_owner');
    await queryDatabase(
      urlOf(superuserUrl, 'there'),
      readFileSync(join(components, 'databases/database-rights.sql'), 'utf8'),
    );

    const [here, there] = [await rightsOf(superuserUrl, 'here'), await rightsOf(superuserUrl, 'there')];

    expect(here).toContain('here_app=Tc/here_owner');
    expect(there).toBe(here.replaceAll('here_', 'there_'));
  } finally {
    await postgres.stop();
  }
});

/** The catalogue of a database: its rights, schema, default privileges, settings and functions. */
async function rightsOf(superuserUrl: string, database: string): Promise<string> {
  const rows = await queryDatabase<{ fact: string }>(
    urlOf(superuserUrl, database),
    `SELECT concat_ws(' ', datacl, datconnlimit) AS fact FROM pg_database WHERE datname = current_database()
     UNION ALL SELECT concat_ws(' ', nspowner::regrole, nspacl) FROM pg_namespace WHERE nspname = 'public'
     UNION ALL SELECT * FROM (
       SELECT concat_ws(' ', defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl)
       FROM pg_default_acl ORDER BY 1) defaults
     UNION ALL SELECT array_to_string(setconfig, ' ') FROM pg_db_role_setting
       WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
     UNION ALL SELECT * FROM (
       SELECT concat_ws(' ', proname, 'is leakproof') FROM pg_proc
       WHERE proleakproof AND proname IN ('textlike', 'arraycontains', 'arrayoverlap', 'ts_match_vq') ORDER BY 1) functions
     UNION ALL SELECT concat_ws(' ', rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole)
       FROM pg_roles WHERE rolname = current_database() || '_app'`,
  );
  return rows.map(({ fact }) => fact).join('\n');
}

function urlOf(superuserUrl: string, database: string): string {
  const url = new URL(superuserUrl);
  url.pathname = database;
  return url.href;
}
