import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Browser, type SharedPlatform } from '@rapport/testing';
import { expect, vi } from 'vitest';
import type { ApiClient } from './api-client.ts';

export interface Person {
  id: string;
  email: string;
  password: string;
}

/** A user who was invited by mail and has accepted on the linked page. */
export async function newPerson(platform: SharedPlatform, api: ApiClient, roleIds = ['read-only']): Promise<Person> {
  const email = `${crypto.randomUUID()}@example.com`;
  const { status, body } = await api.send('POST', '/v1/users', { body: { email, displayName: 'Ada', roleIds } });
  expect(status).toBe(201);
  const browser = new Browser(platform.edgeUrl);
  const page = await browser.visit(await mailedLink(platform, email));
  const password = 'dust jigsaw plinth';
  const { text } = await browser.submit(page, '/invitation', { displayName: 'Ada Lovelace', password });
  expect(text).toContain('Your account is ready');
  return { id: (body as { id: string }).id, email, password };
}

/** The link in the newest mail to an address, once it has this many mails. */
export async function mailedLink(
  { mailDir }: Pick<SharedPlatform, 'mailDir'>,
  email: string,
  count = 1,
): Promise<string> {
  const mails = await vi.waitFor(
    async () => {
      const files = (await readdir(mailDir)).sort();
      const all = await Promise.all(files.map((file) => readFile(join(mailDir, file), 'utf8')));
      const found = all.filter((mail) => mail.includes(`To: ${email}`));
      expect(found).toHaveLength(count);
      return found;
    },
    { timeout: 60_000 },
  );
  return /https?:\S+token=[\w-]+/.exec(mails.at(-1) ?? '')?.[0] ?? '';
}
