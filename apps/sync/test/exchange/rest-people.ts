import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { queryDatabase } from '@rapport/testing';
import { inject } from 'vitest';
import { startDirectus } from '../connectors/peers/directus.ts';
import { startRedmine } from '../connectors/peers/redmine.ts';
import { RestServer } from '../connectors/rest-server.ts';
import { createPostgresDatabase } from '../connectors/sql-databases.ts';

/** People of another system, by their names, and what tests do to them behind the connector's back. */
export interface People {
  /** Of a connection to it. */
  settings: Record<string, unknown>;
  secrets: Record<string, unknown>;
  recordType: string;
  /** Where a customer has the name and the title of a person. */
  customerFields: { name: string; title: string };
  fields: { customerField: string; peerField: string; transform?: string }[];
  /** Whether a refusal names the field. */
  namesRefused: boolean;
  add(name: string, title: string): Promise<void>;
  edit(name: string, title: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Names and titles, by another way than the API that is exchanged with. */
  all(): Promise<string[][]>;
  /** Kills it, and starts it again with what it had written. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const usual = {
  ...{ recordType: 'people', namesRefused: true, customerFields: { name: 'displayName', title: 'jobTitle' } },
  fields: [
    { customerField: 'displayName', peerField: 'name' },
    { customerField: 'jobTitle', peerField: 'title' },
  ],
};

/** Those of the server that tests have. */
export async function ownPeople(): Promise<People> {
  const server = await RestServer.start({ paging: 'OFFSET' });
  const { bearerToken, ...settings } = server.configuration;
  const idOf = (name: string) => server.ids().find((id) => server.stored(id)?.includes(`"name":"${name}"`)) ?? 0;
  return {
    ...usual,
    settings,
    secrets: { bearerToken },
    add: async (name, title) => void server.add({ name, title }),
    edit: async (name, title) => server.edit(idOf(name), { title }),
    remove: async (name) => server.remove(idOf(name)),
    all: async () => server.all().map(({ name, title }) => [name, title].map(String)),
    restart: async () => server.breakConnections(),
    stop: () => server.stop(),
  };
}

/** Those of a collection of Directus, which is made here as its administrators do. */
export async function directusPeople(): Promise<People> {
  const database = await createPostgresDatabase();
  const url = new URL(inject('superuserUrl'));
  Object.assign(url, { username: database.user, password: database.password, pathname: database.database });
  const { url: address, token, request, restart, stop } = await startDirectus(url.href);
  await request('POST', '/collections', directusCollection);
  const path = async (name: string) => {
    const filter = `filter[name][_eq]=${encodeURIComponent(name)}`;
    const [found] = (await request('GET', `/items/people?${filter}`)) as { id: number }[];
    return `/items/people/${found?.id}`;
  };
  return {
    ...usual,
    settings: {
      ...{ url: address, documentUrl: `${address}/server/specs/oas`, path: '/items/people', lateSeconds: 0 },
      ...{ listQuery: 'sort=changed', updatedField: 'changed', changedSince: 'filter[changed][_gte]={time}' },
      ...{ keyField: 'key', findByKey: 'filter[key][_eq]={key}' },
    },
    secrets: { bearerToken: token },
    add: async (name, title) => void (await request('POST', '/items/people', { name, title })),
    edit: async (name, title) => void (await request('PATCH', await path(name), { title })),
    remove: async (name) => void (await request('DELETE', await path(name))),
    all: async () => (await queryDatabase(url.href, 'select name, title from people')).map(texts),
    restart,
    stop: async () => {
      await stop();
      await database.drop();
    },
  };
}

const directusField = (field: string, schema: object = {}, more: object = {}) => ({
  ...{ field, type: 'string', schema, meta: {} },
  ...more,
});
const directusCollection = {
  ...{ collection: 'people', schema: {}, meta: {} },
  fields: [
    directusField('id', { is_primary_key: true, has_auto_increment: true }, { type: 'integer' }),
    directusField('key', { is_unique: true }),
    directusField('name', { is_nullable: false }),
    directusField('title', { max_length: 100 }),
    directusField('changed', {}, { type: 'timestamp', meta: { special: ['date-created', 'date-updated'] } }),
  ],
};

/** The users of Redmine, which has no OpenAPI document: the one of this folder describes what is exchanged. */
export async function redminePeople(): Promise<People> {
  const { url, apiKey, request, query, restart, stop } = await startRedmine();
  const document = await readFile(join(import.meta.dirname, '../connectors/peers/redmine-users.json'), 'utf8');
  const path = (name: string) => {
    const [found] = query(`SELECT id FROM users WHERE lastname = '${name}' AND type = 'User'`);
    return `/users/${String(found?.['id'])}.json`;
  };
  let last = 0;
  return {
    settings: {
      ...{ url, document, path: '/users.json', apiKeyHeader: 'X-Redmine-API-Key', listQuery: 'sort=id&status=*' },
      ...{ keyField: 'login', findByKey: 'login=={key}' },
    },
    secrets: { apiKeySecret: apiKey },
    recordType: 'users',
    customerFields: { name: 'familyName', title: 'givenName' },
    fields: [
      { customerField: 'familyName', peerField: 'lastname' },
      { customerField: 'givenName', peerField: 'firstname' },
      { customerField: 'emails', peerField: 'mail', transform: 'FIRST_OF_LIST' },
    ],
    namesRefused: false,
    add: async (lastname, firstname) => {
      const login = `user-${(last += 1)}`;
      await request('POST', '/users.json', { user: { login, firstname, lastname, mail: `${login}@example.org` } });
    },
    edit: async (name, firstname) => void (await request('PUT', path(name), { user: { firstname } })),
    remove: async (name) => void (await request('DELETE', path(name))),
    all: async () => query(`SELECT lastname, firstname FROM users WHERE type = 'User'`).map(texts),
    restart,
    stop,
  };
}

function texts(row: object): string[] {
  return Object.values(row).map((value) => String(value ?? ''));
}
