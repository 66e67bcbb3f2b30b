import { randomBytes } from 'node:crypto';
import type { ProvisionedDatabase } from '@rapport/testing';
import pg from 'pg';
import { inject } from 'vitest';

/** Creates a migrated database without rows, with the roles of the template. */
export async function copyDatabase(): Promise<ProvisionedDatabase> {
  const template = inject('template');
  const name = `auth_${randomBytes(6).toString('hex')}`;
  const urlOf = (url: string) => Object.assign(new URL(url), { pathname: name }).href;
  const { username: owner } = new URL(template.ownerUrl);
  const { username: app } = new URL(template.appUrl);
  const client = new pg.Client({ connectionString: inject('superuserUrl') });
  await client.connect();
  try {
    await client.query(
      `create database ${name} template ${new URL(template.ownerUrl).pathname.slice(1)} owner ${owner}`,
    );
    // A copy contains all data of the database, but not the privileges on it.
    await client.query(
      `revoke all on database ${name} from public; grant connect, temporary on database ${name} to ${app}`,
    );
  } finally {
    await client.end();
  }
  return { ownerUrl: urlOf(template.ownerUrl), appUrl: urlOf(template.appUrl) };
}
