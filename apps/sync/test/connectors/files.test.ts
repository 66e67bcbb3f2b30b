import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Peer, ReadItem } from '../../src/connectors/connector.js';
import { fileConnector } from '../../src/connectors/files/file-connector.js';
import { collect } from './conformance-run.js';
import { describeConformance } from './conformance.js';
import { createFilePeer } from './file-peer.js';
import { realEnvironment } from './real-environment.js';

const lacks = ['update', 'delete', 'preconditions', 'incremental', 'webhooks', 'limit'] as const;
describeConformance('a CSV file', () => createFilePeer('CSV'), lacks);
describeConformance('an NDJSON file', () => createFilePeer('NDJSON'), lacks);
describeConformance('a vCard file', () => createFilePeer('VCARD'), lacks);

describe('a file', () => {
  let world: Awaited<ReturnType<typeof realEnvironment>>;
  const { signal } = new AbortController();

  beforeEach(async () => {
    world = await realEnvironment();
  });
  afterEach(() => world.remove());

  const connect = (configuration: object): Peer =>
    fileConnector.connect({ file: 'people.txt', ...configuration }, world.environment);
  const items = async (content: string | Uint8Array, configuration: object): Promise<ReadItem[]> => {
    await writeFile(join(world.folder, 'people.txt'), content);
    const pages = await collect(connect(configuration).read({ recordType: 'record', signal }));
    return pages.flatMap((page) => page.items);
  };
  const issues = (found: ReadItem[]) =>
    found.flatMap((item) =>
      item.kind === 'UNREADABLE' ? item.issues : item.kind === 'RECORD' ? (item.record.issues ?? []) : [],
    );
  const reasons = (found: ReadItem[]) => issues(found).map(({ line, reason }) => [line, reason]);

  test('of CSV says line by line what is no record, and reads the rest', async () => {
    const text = 'id,name\r\n1,Ada\r\n\r\n2,"Grace\r\nHopper"\r\n3\r\n4,a,b\r\n,Nobody\r\n1,Twice\r\n5,"=1+1"\r\n';
    const found = await items(text, { format: 'CSV', idField: 'id' });
    expect(reasons(found)).toEqual([
      [6, 'TOO_FEW_CELLS'],
      [7, 'TOO_MANY_CELLS'],
      [8, 'NO_ID'],
      [9, 'ID_TWICE'],
    ]);
    expect(found.flatMap((item) => (item.kind === 'RECORD' ? [item.record.fields] : []))).toEqual([
      { id: '1', name: 'Ada' },
      { id: '2', name: 'Grace\r\nHopper' },
      { id: '5', name: '=1+1' },
    ]);
  });

  test('of NDJSON says line by line what is no record, and reads the rest', async () => {
    const text = '{"id":1,"name":"Ada"}\n\nnot json\n[1]\n{"name":"Nobody"}\r\n{"id":"2","tags":["a"]}';
    const found = await items(text, { format: 'NDJSON', idField: 'id' });
    expect(reasons(found)).toEqual([
      [3, 'JSON_INVALID'],
      [4, 'JSON_NO_OBJECT'],
      [5, 'NO_ID'],
    ]);
    expect(found.flatMap((item) => (item.kind === 'RECORD' ? [item.record] : []))).toMatchObject([
      { id: '1', fields: { id: 1, name: 'Ada' } },
      { id: '2', fields: { id: '2', tags: ['a'] } },
    ]);
  });

  test('without ids knows records by their content, and says so', async () => {
    const found = await items('name\nAda\nAda\nGrace\n', { format: 'CSV' });
    expect(reasons(found)).toEqual([
      [2, 'ID_FROM_CONTENT'],
      [3, 'ID_FROM_CONTENT'],
      [4, 'ID_FROM_CONTENT'],
    ]);
    const ids = found.map((item) => (item.kind === 'RECORD' ? item.record.id : ''));
    expect(new Set(ids).size).toBe(3);
    expect(await items('name\nAda\nAda\nGrace\n', { format: 'CSV' })).toEqual(found);
  });

  test('in another character set is read when it is named, and refused when it is not', async () => {
    const bytes = Buffer.from('id;name\n1;Zo\xeb\n', 'latin1');
    const found = await items(bytes, { format: 'CSV', idField: 'id', delimiter: ';', characterSet: 'windows-1252' });
    expect(found).toMatchObject([{ record: { fields: { name: 'Zoë' } } }]);
    await expect(items(bytes, { format: 'CSV', delimiter: ';' })).rejects.toMatchObject({
      violations: [{ field: '/characterSet' }],
    });
  });

  test('with a quote that is not closed is refused by the line', async () => {
    await expect(items('id,name\n1,Ada\n2,"Gra\n', { format: 'CSV' })).rejects.toMatchObject({ reason: 'INVALID' });
  });

  test('outside of the folder is none, whatever leads to it', async () => {
    await symlink('/etc/passwd', join(world.folder, 'link.txt'));
    for (const file of ['link.txt', '..', '/etc/passwd', '.hidden']) {
      const check = async () => connect({ format: 'CSV', file }).check(signal);
      await expect(check()).rejects.toMatchObject({ violations: [{ field: '/file' }] });
    }
  });

  test('of vCards says which cards are broken, and reads the others', async () => {
    const card = (...lines: string[]) => ['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD'].join('\r\n');
    const text = [
      ...[
        'junk',
        card('UID:1', 'FN:Ada', 'a line of nothing'),
        'BEGIN:VCARD',
        'FN:Cut off',
        card('UID:2', 'FN:Grace', 'BDAY:--0412'),
      ],
      ...[card('UID:3', 'N:Hamilton;Margaret;;;'), card('UID:4', 'EMAIL:x@example.com'), 'BEGIN:VCARD', 'FN:End'],
    ].join('\r\n');
    const found = await items(text, { format: 'VCARD' });
    expect(reasons(found)).toEqual([
      ...[
        [1, 'NOT_IN_CARD'],
        [6, 'LINE_INVALID'],
        [8, 'CARD_NOT_ENDED'],
        [14, 'DATE_INCOMPLETE'],
        [16, 'NO_DISPLAY_NAME'],
      ],
      ...[
        [21, 'NO_NAME'],
        [26, 'CARD_NOT_ENDED'],
      ],
    ]);
  });

  test('exports what a reader of the same format finds again', async () => {
    await writeFile(join(world.folder, 'people.txt'), '');
    const fields = {
      displayName: 'Zoë "Z", Ångström;',
      note: `two\nlines, and ${'long '.repeat(40)}one`,
      emails: [{ address: 'z@example.com', types: ['work'], label: 'Büro' }],
    };
    const items_ = [{ kind: 'CREATE', key: 'key-1', fields }] as const;
    for (const format of ['VCARD', 'NDJSON'] as const) {
      const peer = connect({ format, exportName: format });
      expect(await peer.write({ recordType: 'record', items: [...items_], signal })).toMatchObject([
        { kind: 'WRITTEN', id: 'key-1' },
      ]);
      const [file = ''] = await world.environment.files.list(`${format}-`);
      const reader = connect({ format, file, ...(format === 'VCARD' ? {} : { idField: 'id' }) });
      expect((await reader.readOne('record', 'key-1', signal))?.fields).toMatchObject(fields);
    }
  });
});
