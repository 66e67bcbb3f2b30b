import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Platform } from '@rapport/testing';

/** What `demo.json` holds: where the API is, a key for it, and the users with their passwords. */
export interface Demo {
  url: string;
  apiKey: string;
  /** The name with which users sign in. */
  workspace: string;
  /** The administrator first. */
  users: DemoUser[];
  /** Whether the story has been played, to its end or until it failed. */
  isComplete: boolean;
}

export interface DemoUser {
  name: string;
  email: string;
  password: string;
  /** A built-in role, or the display name of one that the story creates. */
  role: string;
}

/** The part of a platform that a demo uses. */
export type DemoPlatform = Pick<Platform, 'createTenant' | 'edgeUrl' | 'mailDir'> & {
  postgres: Pick<Platform['postgres'], 'superuserUrl'>;
};

/** The demo of `demo.json`, if there is one. It has no key before its workspace is created. */
export async function readDemo(dataDir: string): Promise<(Omit<Demo, 'apiKey'> & { apiKey?: string }) | undefined> {
  const file = join(dataDir, 'demo.json');
  if (!existsSync(file)) return undefined;
  const demo = JSON.parse(await readFile(file, 'utf8')) as Partial<Demo>;
  if (demo.users) return demo as Demo;
  // Of a release before users: its records and its key stay usable.
  await rename(file, join(dataDir, 'demo-without-users.json'));
  return undefined;
}

/** Replaces the file at once, so that a cut start leaves the old one or the new one. */
export async function writeDemo(dataDir: string, demo: Partial<Demo>): Promise<void> {
  const file = join(dataDir, 'demo.json');
  await writeFile(`${file}.new`, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** Three commands to begin with; each works as it is, and can be repeated. */
export function curlLines({ url, apiKey }: Pick<Demo, 'url' | 'apiKey'>): string[] {
  const authorization = `-H 'Authorization: Bearer ${apiKey}'`;
  const person = { kind: 'PERSON', givenName: 'Ada', familyName: 'Lovelace', phones: [{ number: '+442079460958' }] };
  return [
    `curl -sSG ${url}/v1/customers ${authorization} --data-urlencode 'q=garcia'`,
    `curl -sSG ${url}/v1/customers ${authorization} --data-urlencode 'filter=kind = COMPANY AND countryCode:DE'`,
    `curl -sS ${url}/v1/customers ${authorization} -H 'Idempotency-Key: ${randomUUID()}' ` +
      `-H 'Content-Type: application/json' -d '${JSON.stringify(person)}'`,
  ];
}
