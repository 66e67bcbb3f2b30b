import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Page, Peer } from '../../src/connectors/connector.js';
import { createCardDavPeer } from './carddav-peer.js';
import { collect } from './conformance-run.js';
import { describeConformance } from './conformance.js';
import { startRadicale, type Radicale } from './peers/radicale.js';

/** The first time Debian's package is installed. */
const installTimeoutMs = 360_000;

let radicale: Radicale;
beforeAll(async () => {
  radicale = await startRadicale();
}, installTimeoutMs);
afterAll(() => radicale.stop());

describeConformance('CardDAV with Radicale', () => createCardDavPeer(radicale), ['webhooks']);

describe('an address book on Radicale', () => {
  let real: Awaited<ReturnType<typeof createCardDavPeer>>;
  let peer: Peer;
  const { signal } = new AbortController();

  beforeEach(async () => {
    real = await createCardDavPeer(radicale);
    peer = real.connector.connect(real.configuration, real.environment);
  });
  afterEach(() => real.stop());

  const read = (cursor?: string): Promise<Page[]> =>
    collect(peer.read({ recordType: 'contact', pageSize: 2, cursor, signal }));
  const put = (id: string, lines: string[]) =>
    radicale.request('PUT', real.book + id, `${lines.join('\r\n')}\r\n`, { 'content-type': 'text/vcard' });
  const get = async (id: string) => (await radicale.request('GET', real.book + id)).text();

  test('is found by its own address as well as by its name', async () => {
    await real.add(['Ada']);
    const { addressBook: _, ...others } = real.configuration;
    const byAddress = real.connector.connect({ ...others, url: real.book }, real.environment);
    expect(await byAddress.readOne('contact', (await read())[0]?.items.map(idOf)[0] ?? '', signal)).toBeDefined();
  });

  test('says when it no longer knows what changed since, and can be read again', async () => {
    await real.add(['Ada']);
    const cursor = (await read()).at(-1)?.cursor ?? '';
    await radicale.forgetSyncTokens();
    await real.add(['Grace']);
    await expect(read(cursor)).rejects.toMatchObject({ reason: 'CURSOR_EXPIRED' });
    expect((await read()).flatMap(({ items }) => items)).toHaveLength(2);
  });

  test('gives a card larger than what the XML parser takes at once', async () => {
    const photo = 'A'.repeat(300_000);
    await put('large.vcf', [
      ...['BEGIN:VCARD', 'VERSION:3.0', 'UID:large', 'FN:Ada', 'N:Ada;;;;'],
      ...[`PHOTO;ENCODING=b;TYPE=JPEG:${photo}`, 'EMAIL:ada@example.com', 'END:VCARD'],
    ]);
    const [item] = (await read()).flatMap(({ items }) => items);
    expect(item).toMatchObject({
      kind: 'RECORD',
      record: { fields: { displayName: 'Ada', emails: [{ address: 'ada@example.com' }] } },
    });

    const record = (await peer.readOne('contact', 'large.vcf', signal)) ?? expect.fail();
    const update = {
      kind: 'UPDATE',
      id: 'large.vcf',
      expectedVersion: record.version,
      fields: { jobTitle: 'Analyst' },
    } as const;
    expect(await peer.write({ recordType: 'contact', items: [update], signal })).toMatchObject([{ kind: 'WRITTEN' }]);
    const stored = await get('large.vcf');
    expect(stored.replace(/\r?\n /g, '')).toContain(photo);
    expect(stored).toContain('TITLE:Analyst');
  });

  test('keeps groups, labels, parameters and properties of others when a phone is added', async () => {
    await put('ada.vcf', [
      ...['BEGIN:VCARD', 'VERSION:3.0', 'UID:ada', 'FN:Ada Lovelace', 'N:Lovelace;Ada;;;'],
      ...['item1.EMAIL;TYPE=INTERNET:ada@example.com', 'item1.X-ABLabel:School', 'X-SPOUSE:William'],
      ...[
        'TEL;TYPE=WORK;X-NOTE="a:b":+44 20 7946 0000',
        'IMPP;X-SERVICE-TYPE=Jabber:xmpp:ada@example.com',
        'END:VCARD',
      ],
    ]);
    const record = (await peer.readOne('contact', 'ada.vcf', signal)) ?? expect.fail();
    const phones = [{ number: '+44 20 7946 0001', types: ['cell'] }, ...(record.fields['phones'] as object[])];
    const update = { kind: 'UPDATE', id: 'ada.vcf', expectedVersion: record.version, fields: { phones } } as never;
    expect(await peer.write({ recordType: 'contact', items: [update], signal })).toMatchObject([{ kind: 'WRITTEN' }]);

    const stored = (await get('ada.vcf')).replace(/\r?\n /g, '');
    expect(stored).toMatch(/^item1\.EMAIL;TYPE=INTERNET:ada@example\.com\r?$/im);
    for (const kept of [
      /^item1\.X-ABLabel:School\r?$/im,
      /^X-SPOUSE:William\r?$/im,
      /^IMPP;X-SERVICE-TYPE=Jabber:/im,
    ]) {
      expect(stored).toMatch(kept);
    }
    expect(stored).toMatch(/^TEL[^\r\n]*X-NOTE="a:b"[^\r\n]*:\+44 20 7946 0000\r?$/im);
    expect((await peer.readOne('contact', 'ada.vcf', signal))?.fields).toMatchObject({ ...record.fields, phones });
  });

  test('rejects a contact without a name by the field that lacks', async () => {
    const items = [{ kind: 'CREATE', key: 'k', fields: { note: 'who?' } }] as const;
    const results = await peer.write({ recordType: 'contact', items: [...items], signal });
    expect(results).toMatchObject([{ kind: 'REJECTED', issues: [{ field: 'displayName', reason: 'REQUIRED' }] }]);
    expect(await real.names()).toEqual([]);
  });
});

function idOf(item: Page['items'][number]): string {
  return item.kind === 'RECORD' ? item.record.id : '';
}
