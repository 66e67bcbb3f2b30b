import { randomBytes, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { apiOf, type Api } from './api.ts';
import { makeCalendars } from './calendars.ts';
import { makeDeals } from './deals.ts';
import { makeFlows } from './flows.ts';
import { makePrices } from './prices.ts';
import { makeQuotes } from './quotes.ts';
import { makeMarketing } from './marketing.ts';
import { makeSupport } from './support.ts';
import { makeLeads, makeRule } from './leads.ts';
import { makeTopics } from './topics.ts';
import { makeWork } from './work.ts';
import { readDemo, writeDemo, type Demo, type DemoPlatform, type DemoUser } from './demo.ts';
import story from './story.json' with { type: 'json' };
import { inviteUser } from './users.ts';

/** Letters and digits that nobody confuses when a password is copied by hand. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/**
 * Opens the demo workspace of `dataDir`. A new one has its administrator, customers, deals and leads, and no story yet. If a start was
 * cut before the story ended, the unfinished workspace is closed, and a new one has the same users and passwords.
 *
 * @param workspace preferred name of the workspace
 */
export async function openDemo(
  platform: DemoPlatform,
  dataDir: string,
  onProgress: (line: string) => void,
  signal: AbortSignal,
  workspace = 'kestrel',
): Promise<Demo> {
  const known = await readDemo(dataDir);
  if (known?.apiKey !== undefined && known.isComplete) {
    const demo = { ...known, apiKey: known.apiKey, url: platform.edgeUrl };
    await writeDemo(dataDir, demo);
    return demo;
  }
  onProgress('Making the demo workspace');
  if (known?.apiKey !== undefined) await closeWorkspace(apiOf(platform.edgeUrl, known.apiKey, signal));
  // A start that was cut while it created a workspace may have left one of this name, without a key to close it.
  const name = known && known.apiKey === undefined ? `${workspace}-${randomBytes(3).toString('hex')}` : workspace;
  const demo = { url: platform.edgeUrl, workspace: name, users: known?.users ?? newUsers(), isComplete: false };
  await writeDemo(dataDir, demo);
  const { apiKey } = await platform.createTenant('Kestrel Instruments', undefined, name);
  await writeDemo(dataDir, { ...demo, apiKey });
  const api = apiOf(platform.edgeUrl, apiKey, signal);
  await Promise.all([inviteUser(api, platform, demo.users[0]!, ['admin']), makeRecords(api)]);
  await makeRule(api);
  return { ...demo, apiKey };
}

function newUsers(): DemoUser[] {
  return story.users.map(({ name, email, role }) => ({ name, email, role, password: newPassword() }));
}

function newPassword(): string {
  const group = () => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return `${group()}-${group()}-${group()}`;
}

async function makeRecords(api: Api): Promise<void> {
  const file = await readFile(join(import.meta.dirname, 'customers.csv'));
  const answer = await api<{ failed: number }>('POST', '/v1/customers:import', file);
  if (answer.failed > 0) throw new Error(`Demo customers were refused: ${JSON.stringify(answer)}`);
  await makeDeals(api);
  await makeQuotes(api);
  await makeLeads(api);
  await makeWork(api);
  await makeCalendars(api);
  await makePrices(api);
  await makeFlows(api);
  await makeSupport(api);
  await makeTopics(api);
  await makeMarketing(api);
}

async function closeWorkspace(api: Api): Promise<void> {
  const { id } = await api('GET', '/v1/tenant');
  await api('POST', '/v1/workspace:close', { tenantId: id });
}
