import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { beforeAll, expect, test } from 'vitest';
import { hasEnded, type Operation } from '../importer.ts';
import { Workspace, type Archive } from '../workspaces.ts';
import { killAtWork, killedPlatform } from './killed-platform.ts';

/** Customers of the workspace, and how often the service is killed while it exports, and while it imports. */
const count = sizeOf('WORKSPACE_CUSTOMERS', { short: 800, long: 200_000 });
const kills = sizeOf('WORKSPACE_KILLS', { short: 2, long: 4 });

const batchSize = 1_000;

let platform: Platform;
/** Filled, and only read by the tests. */
let source: Workspace;

beforeAll(async () => {
  ({ platform } = await killedPlatform());
  source = await Workspace.create(platform, 'Source');
  await fill(source);
}, soakTimeoutMs);

/** Each person of the first thousand works for a company that comes after all people, and two of them with each other. */
async function fill(workspace: Workspace): Promise<void> {
  const people: string[] = [];
  const create = async (items: object[]) => {
    const { results } = await workspace.send<{ results: { customer: { id: string } }[] }>(
      ...(['POST', '/v1/customers:batchCreate', { items: items.map((customer) => ({ customer })) }] as const),
    );
    return results.map(({ customer }) => customer.id);
  };
  for (let made = 0; made < count; made += batchSize) {
    const items = Array.from({ length: Math.min(batchSize, count - made) }, (_, index) => ({
      ...{ kind: 'PERSON', displayName: `Person ${made + index}`, tags: [`t${index % 7}`] },
      emails: [{ address: `p${made + index}@example.com` }],
    }));
    people.push(...(await create(items)));
  }
  const [companyId = ''] = await create([{ kind: 'COMPANY', displayName: 'The last' }]);
  const items = people.slice(0, batchSize).map((id) => ({ id, customer: { companyId }, updateMask: ['companyId'] }));
  await workspace.send('POST', '/v1/customers:batchUpdate', { items });
  const [ada, bob] = people;
  await workspace.send('POST', '/v1/associations', { fromCustomerId: ada, type: 'works_with', toCustomerId: bob });
  const { id } = await workspace.send('POST', '/v1/fileUploads', { record: `customers/${ada}`, name: 'large.bin' });
  await workspace.send('PUT', `/v1/fileUploads/${id}/content`, Buffer.alloc(1_000_001, 'large'));
}

/** A number from 0 to 1. */
function random(seed: number, number: number): number {
  return createHash('sha256').update(`${seed} ${number}`).digest().readUInt32LE() / 2 ** 32;
}

/** Only the long form waits for the end of a lease. */
async function kill(): Promise<void> {
  if (!isSoak) return killAtWork(platform);
  await platform.services.customers.kill();
  await platform.services.customers.start();
}

/** Kills the service at random times, until the operation has ended. */
async function killDuring(
  workspace: Workspace,
  id: string,
  seed: number,
): Promise<{ operation: Operation; killed: number }> {
  let killed = 0;
  for (; killed < kills; killed += 1) {
    // Kills happen at random times.
    await delay(random(seed, killed) * Math.min(4_000, 300 + count / 50));
    const { body } = await workspace.api.send('GET', `/v1/operations/${id}`);
    if (hasEnded(body as Operation)) break;
    await kill();
  }
  return { operation: await workspace.untilEnded(id), killed };
}

test(
  'an export and an import whose service is killed complete, and the copy is equal',
  async () => {
    const seed = printedSeed('workspace kills');
    const { id } = await source.send<Operation>('POST', '/v1/workspace:export');
    const exported = await killDuring(source, id, seed);
    expect(exported.operation).toMatchObject({ state: 'SUCCEEDED' });
    const archive: Archive = await source.download(id);
    const copy = await Workspace.create(platform, 'Copy');
    // An encrypted workspace reads the archive twice.
    const isEncrypted = seed % 2 === 0;
    if (isEncrypted) await copy.encrypt();
    const { id: importId } = await copy.createImport();
    await copy.send('PUT', `/v1/workspaceImports/${importId}/archive`, archive.bytes);

    const imported = await killDuring(copy, importId, seed + 1);

    expect(imported.operation).toMatchObject({ state: 'SUCCEEDED' });
    const again = await copy.export();
    expect(again.manifest.files).toEqual(archive.manifest.files);
    expect(again.contents()).toEqual(archive.contents());
    expect(archive.manifest.files.reduce((sum, { records }) => sum + records, 0)).toBe(count + 3);
    printTally('workspace', {
      customers: count,
      encrypted: Number(isEncrypted),
      bytes: archive.bytes.length,
      kills: exported.killed + imported.killed,
    });
  },
  soakTimeoutMs,
);

test(
  'an import that is cancelled between kills leaves an empty workspace',
  async () => {
    const archive = await source.export();
    const target = await Workspace.create(platform, 'Cancelled');
    const { id } = await target.createImport();
    await target.send('PUT', `/v1/workspaceImports/${id}/archive`, archive.bytes);
    await kill();

    const { status } = await target.api.send('POST', `/v1/operations/${id}:cancel`);

    // It may have ended before.
    if (status === 200) expect(await target.untilCleared()).toMatchObject({ status: 202 });
    else expect(await target.untilEnded(id)).toMatchObject({ state: 'SUCCEEDED' });
  },
  soakTimeoutMs,
);
