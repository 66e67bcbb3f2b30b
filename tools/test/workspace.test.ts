import { hash, randomBytes } from 'node:crypto';
import { sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { addMessages, endedCampaign, withState } from './archived-work.ts';
import { filledWorkspace, smallWorkspace } from './filled-workspace.ts';
import { hostileEdits } from './hostile-archives.ts';
import type { Operation } from './importer.ts';
import { Workspace, type Archive } from './workspaces.ts';

interface Timer {
  id: string;
  ticketId: string;
  state: string;
  withinSeconds: number;
}

const platform = await sharedPlatform(inject('platformUrl'));
let source: Workspace;
let archive: Archive;
/** What hostile archives are made of: they are imported up to their fault, and removed. */
let small: Archive;

beforeAll(async () => {
  source = await filledWorkspace(platform);
  archive = await source.export();
  small = await (await smallWorkspace(platform)).export();
}, 120_000);

describe('a workspace that is exported and imported into an empty one', () => {
  let copy: Workspace;
  let again: Archive;

  beforeAll(async () => {
    copy = await Workspace.create(platform, 'Copy');
    expect(await copy.import(archive.bytes)).toMatchObject({ state: 'SUCCEEDED' });
    again = await copy.export();
  }, 120_000);

  it('has the hashes that the manifest names', () => {
    expect(archive.manifest.files.length).toBeGreaterThan(8);
    for (const { name, records, bytes, sha256 } of archive.manifest.files) {
      const data = archive.file(name);
      expect({ name, bytes: data.length, sha256: hash('sha256', data) }).toEqual({ name, bytes, sha256 });
      expect(data.toString().split('\n')).toHaveLength(records + 1);
    }
  });

  it('is equal, by the hash of each record, row and file', () => {
    const hashes = archive.lineHashes();
    expect(hashes.size).toBeGreaterThan(12);
    expect(again.lineHashes()).toEqual(hashes);
    expect(again.manifest.files).toEqual(archive.manifest.files);
    expect(again.contents()).toEqual(archive.contents());
  });

  it('answers the same about each record and file over REST', async () => {
    const answers = await source.answers();
    expect(answers.length).toBeGreaterThan(10);
    expect(await copy.answers()).toEqual(answers);
  });

  it('finds records by their custom fields, keeps addresses unique and suppressed', async () => {
    const filter = encodeURIComponent('customFields.plan = "gold"');
    const { body } = await copy.api.send('GET', `/v1/customers?filter=${filter}`);
    expect((body as { customers: object[] }).customers).toHaveLength(1);
    const taken = { kind: 'PERSON', displayName: 'Eve', emails: [{ address: 'ADA@example.com' }] };
    expect(await copy.api.send('POST', '/v1/customers', { body: taken })).toMatchObject({ status: 409 });
    const check = { channel: 'EMAIL', addresses: ['blocked@example.com', 'free@example.com'] };
    const checked = await copy.api.send('POST', '/v1/suppressions:check', { body: check });
    expect(checked).toMatchObject({ status: 200, body: { verdicts: [{ suppressed: true }, { suppressed: false }] } });
  });

  it('counts the timers of its tickets on', async () => {
    const timersOf = (workspace: Workspace) =>
      workspace.send<{ slaTimers: Timer[] }>('GET', '/v1/slaTimers?orderBy=state');
    const { slaTimers: timers } = await timersOf(copy);
    expect({ slaTimers: timers }).toEqual(await timersOf(source));
    expect(timers.map(({ state }) => state).toSorted()).toEqual(['PAUSED', 'RUNNING']);
    for (const { id } of timers) {
      expect(await copy.send('GET', `/v1/slaTimers/${id}:verify`)).toMatchObject({ equal: true });
    }
    const paused = timers.find(({ state }) => state === 'PAUSED')!;

    await copy.send('PATCH', `/v1/tickets/${paused.ticketId}`, { status: 'open' });

    const now = (await timersOf(copy)).slaTimers;
    expect(now.map(({ id, state }) => [id, state]).toSorted()).toEqual(
      timers.map(({ id }) => [id, 'RUNNING']).toSorted(),
    );
    expect(await copy.send('GET', `/v1/slaTimers/${paused.id}:verify`)).toMatchObject({ equal: true });
    // By the version of the policy that was in force, not the present draft.
    const { customerId } = await copy.send<{ customerId: string }>('GET', `/v1/tickets/${paused.ticketId}`);
    await copy.send('POST', '/v1/tickets', { subject: 'New', customerId });
    const within = (await timersOf(copy)).slaTimers.map(({ withinSeconds }) => withinSeconds);
    expect(within).toEqual([3_600_000, 3_600_000, 3_600_000]);
  });

  it('refuses another import, since it is not empty', async () => {
    const answer = await copy.api.send('POST', '/v1/workspace:import');

    expect(answer).toMatchObject({ status: 409, body: { code: 'WORKSPACE_NOT_EMPTY' } });
    expect((answer.body as { detail: string }).detail).toMatch(/customer, .*deal/);
  });
});

describe('an empty workspace whose settings were changed', () => {
  it('has the settings of the archive after an import, and retains its own after that of an invalid one', async () => {
    const copy = await Workspace.create(platform, 'Settled');
    await copy.send('PATCH', '/v1/settings', { timeZone: 'Asia/Tokyo', baseCurrency: 'JPY' });
    const settings = () => copy.send<Record<string, unknown>>('GET', '/v1/settings');
    const own = await settings();
    const cut = archive.bytes.subarray(0, 2_048);
    expect(await copy.import(cut)).toMatchObject({ state: 'FAILED', error: { code: 'ARCHIVE_INVALID' } });
    expect(await settings()).toEqual(own);

    expect(await copy.import(small.bytes)).toMatchObject({ state: 'SUCCEEDED' });

    expect(await settings()).toMatchObject({ timeZone: 'UTC', baseCurrency: 'USD', etag: '"0"' });
    const other = await Workspace.create(platform, 'Settled too');
    await other.send('PATCH', '/v1/settings', { timeZone: 'Asia/Tokyo', baseCurrency: 'JPY' });
    expect(await other.import(archive.bytes)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await other.send('GET', '/v1/settings')).toEqual(await source.send('GET', '/v1/settings'));
  });
});

describe('an encrypted workspace', () => {
  it('is made of the archive of another one, and of its archive an equal one that is not encrypted', async () => {
    const [sealed, copy] = [await Workspace.create(platform, 'Sealed'), await Workspace.create(platform, 'Opened')];
    await sealed.encrypt();
    for (const [folder, change] of [
      ['records/deal', { id: 'x' }],
      ['rows/customer_merge', { undo: { before: 7 } }],
      ['rows/customer_merge', { undo: { before: { givenName: 7 }, after: {} } }],
      // The keys of the files that it has stored are destroyed.
      ['rows/sla_event', { events: [] }],
    ] as const) {
      const hostile = small.copy();
      hostile.edit(folder, (line) => ({ ...line, ...change }));
      expect(await sealed.import(hostile.sealed()), folder).toMatchObject({ error: { code: 'ARCHIVE_INVALID' } });
    }
    expect(await sealed.import(archive.bytes)).toMatchObject({ state: 'SUCCEEDED' });

    const exported = await sealed.export();
    expect(await copy.import(exported.bytes)).toMatchObject({ state: 'SUCCEEDED' });
    // Files of an encrypted workspace do not share bytes, so that two of them have more content ids.
    const hashesBut = (each: Archive) => [...each.lineHashes()].filter(([hash]) => !hash.startsWith('rows/file '));
    for (const each of [exported, await copy.export()]) expect(hashesBut(each)).toEqual(hashesBut(archive));
    expect(exported.contents()).toHaveLength(archive.contents().length + 1);
    expect(await sealed.answers()).toEqual(await source.answers());
    const filtered = `/v1/customers?filter=${encodeURIComponent('emails = "ADA@example.com"')}`;
    expect(await sealed.send('GET', filtered)).toMatchObject({ customers: [{ displayName: 'Ada Lovelace' }] });
  });
});

describe('a campaign of an archive', () => {
  let campaign: string;
  let ended: Archive;

  beforeAll(async () => {
    const sender = await Workspace.create(platform, 'Sender');
    campaign = await endedCampaign(sender);
    ended = await sender.export();
  }, 120_000);

  it('that was under way is ended, with each recipient accounted for, and sends nothing', async () => {
    const sending = ended.copy();
    sending.edit('records/campaign', (line) => ({ ...line, state: 'SENDING', doneTime: undefined }));
    sending.edit('records/campaignRecipient', withState('PLANNED'));
    sending.edit('records/campaignRecipient', withState('CLAIMED'), 1);
    const copy = await Workspace.create(platform, 'Copy of sending');
    expect(await copy.import(sending.sealed())).toMatchObject({ state: 'SUCCEEDED' });

    const stateReason = 'WORKSPACE_IMPORTED';
    const imported = () => copy.send('GET', `/v1/campaigns/${campaign}`);
    await expect
      .poll(imported, { timeout: 20_000 })
      .toMatchObject({ state: 'CANCELLED', stateReason, counts: { cancelled: 1, unknown: 1, skipped: 1 } });
    const account = await copy.send('GET', `/v1/campaigns/${campaign}:account`);
    expect(account).toMatchObject({ balanced: true, audience: 3, inconsistent: 0 });
    const resend = { body: { states: ['UNKNOWN'] } };
    const answer = await copy.api.send('POST', `/v1/campaigns/${campaign}:resend`, resend);
    expect(answer).toMatchObject({ status: 409, body: { code: 'CAMPAIGN_STATE' } });
  });

  it('that was to start is a draft, and one that is done can not be resent', async () => {
    const scheduled = ended.copy();
    scheduled.edit('records/campaign', (line) => ({ ...line, state: 'SCHEDULED', doneTime: undefined }));
    const [copy, waiting] = await Promise.all(['Copy', 'Waiting'].map((name) => Workspace.create(platform, name)));
    await copy!.import(ended.bytes);
    await waiting!.import(scheduled.sealed());

    expect(await waiting!.send('GET', `/v1/campaigns/${campaign}`)).toMatchObject({ state: 'DRAFT' });
    expect(await copy!.send('GET', `/v1/campaigns/${campaign}`)).toMatchObject({ state: 'DONE' });
    const resend = { body: { states: ['FAILED'] } };
    const answer = await copy!.api.send('POST', `/v1/campaigns/${campaign}:resend`, resend);
    expect(answer).toMatchObject({ status: 409, body: { code: 'CAMPAIGN_STATE' } });
  });
});

describe('the messages of an archive', () => {
  let copy: Workspace;

  beforeAll(async () => {
    const original = await Workspace.create(platform, 'Messages');
    await addMessages(original);
    const archive = (await original.export()).copy();
    archive.edit('records/message', (line) => ({ ...line, state: 'QUEUED', stateReason: undefined }));
    archive.edit('records/message', (line) => ({ ...line, state: 'CLAIMED', stateReason: undefined }), 1);
    copy = await Workspace.create(platform, 'Copy of messages');
    expect(await copy.import(archive.sealed())).toMatchObject({ state: 'SUCCEEDED' });
  }, 120_000);

  it('are not sent twice', async () => {
    const { messages } = await copy.send<{ messages: { id: string }[] }>('GET', '/v1/messages?orderBy=createTime');
    const stateReason = 'WORKSPACE_IMPORTED';
    expect(messages).toMatchObject([
      { state: 'CANCELLED', stateReason },
      { state: 'UNKNOWN', stateReason },
    ]);
    const answer = await copy.api.send('POST', `/v1/messages/${messages[1]!.id}:resend`);
    expect(answer).toMatchObject({ status: 409, body: { code: 'MESSAGE_STATE' } });
  });
});

describe('a damaged archive', () => {
  /** Takes an archive only while it is empty. */
  let target: Workspace;

  beforeAll(async () => {
    target = await Workspace.create(platform, 'Refusing');
  }, 120_000);

  afterAll(async () => {
    expect(await target.import(archive.bytes)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['cut', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['without its end', (bytes) => bytes.subarray(0, -1_024)],
    ['of one block', (bytes) => bytes.subarray(0, 512)],
    ['noise', () => randomBytes(100_000)],
    ['zeros', () => Buffer.alloc(10_240)],
    ['compressed', () => Buffer.from('1f8b0800', 'hex')],
    ['with a record that was changed', (bytes) => changed(bytes, 'Ada Lovelace', 'Ida Lovelace')],
    ['with a byte of a file that was changed', (bytes) => changed(bytes, 'plan of the engine', 'plan of the Engine')],
    ['with a manifest that was changed', (bytes) => changed(bytes, '"formatVersion": 1', '"formatVersion": 2')],
  ])('%s is refused, and leaves nothing', async (_, change) => {
    await expectRefused(target, change(Buffer.from(small.bytes)));
  });

  it.each(hostileEdits)('%s is refused although its hashes are right, and leaves nothing', async (_, edit) => {
    const hostile = small.copy();
    edit(hostile);
    await expectRefused(target, hostile.sealed());
  });

  it('a history of a ticket that begins in the middle is refused after all else is stored, and leaves nothing', async () => {
    const hostile = archive.copy();
    hostile.edit('rows/sla_event', (line) => ({ ...line, events: (line['events'] as object[]).slice(1) }));
    const { counts } = await expectRefused(target, hostile.sealed());

    expect(counts['rows']).toBeGreaterThan(30);
  });
});

describe('workspaces', () => {
  it('an interrupted upload resumes, and different bytes are refused', async () => {
    const target = await Workspace.create(platform, 'Resumed');
    const { id } = await target.createImport();
    const path = `/v1/workspaceImports/${id}/archive`;

    const half = await target.api.send('PUT', `${path}?complete=false`, { body: small.bytes.subarray(0, 5_000) });
    const other = await target.api.send('PUT', `${path}?offset=4000`, { body: randomBytes(5_000) });
    const beyond = await target.api.send('PUT', `${path}?offset=5001`, { body: small.bytes.subarray(5_001) });
    const part = await target.api.send('PUT', `${path}?offset=1.5`, { body: small.bytes.subarray(5_001) });
    const rest = await target.api.send('PUT', `${path}?offset=5000`, { body: small.bytes.subarray(5_000) });

    expect(half).toMatchObject({ status: 200, body: { state: 'WAITING', archive: { sizeBytes: 5_000 } } });
    expect([other.status, beyond.status, part.status, rest.status]).toEqual([400, 400, 400, 200]);
    expect(await target.untilEnded(id)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('a cancelled import leaves an empty workspace', async () => {
    const target = await Workspace.create(platform, 'Cancelled');
    const { id } = await target.createImport();

    expect((await target.api.send('POST', `/v1/operations/${id}:cancel`)).status).toBe(200);

    expect((await target.api.send('POST', '/v1/workspace:import')).status).toBe(202);
  });

  it('an archive belongs to one tenant, and to the last export', async () => {
    const theirs = await Workspace.create(platform, 'Theirs');
    const { id } = archive;

    expect((await theirs.api.send('GET', `/v1/workspaceExports/${id}:download`)).status).toBe(404);
    await source.export();
    expect(await source.api.send('GET', `/v1/workspaceExports/${id}:download`)).toMatchObject({
      status: 409,
      body: { code: 'ARCHIVE_MISSING' },
    });
  });

  it.each(['export', 'import'])('are refused to callers with hidden fields or records: %s', async (verb) => {
    const owner = await Workspace.create(platform, 'Hiding');
    const permissions = ['workspace.export', 'workspace.import'];
    for (const [narrow, code] of [
      [{ recordScope: 'OWN' }, 'RECORD_SCOPE_UNSUPPORTED'],
      [{ hidesPii: true }, 'PERSONAL_DATA_HIDDEN'],
    ] as const) {
      const api = await owner.callerWith({ permissions, ...narrow });
      expect(await api.send('POST', `/v1/workspace:${verb}`)).toMatchObject({ status: 403, body: { code } });
    }
  });
});

/** The next import into the same workspace, and the last one, are refused unless it is empty again. */
async function expectRefused(target: Workspace, bytes: Buffer): Promise<Operation> {
  const operation = await target.import(bytes);
  expect(operation).toMatchObject({ state: 'FAILED', error: { status: 400, code: 'ARCHIVE_INVALID' } });
  return operation;
}

function changed(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from);
  if (at === -1) throw new Error(`The archive has no ${from}.`);
  bytes.write(to, at);
  return bytes;
}
