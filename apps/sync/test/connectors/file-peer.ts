import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileConnector } from '../../src/connectors/files/file-connector.js';
import type { ConformancePeer } from './conformance-peer.js';
import { realEnvironment } from './real-environment.js';

type Format = 'CSV' | 'NDJSON' | 'VCARD';

/** How a file with records looks in each format, and how their names are found in one. */
const formats: Record<
  Format,
  { nameField: string; write: (records: [string, string][]) => string; names: (text: string) => string[] }
> = {
  CSV: {
    nameField: 'name',
    write: (records) => ['id,name', ...records.map(([id, name]) => `${id},${name}`), ''].join('\r\n'),
    names: (text) =>
      text
        .split('\r\n')
        .filter((line) => line !== '' && line !== 'id,name')
        .map((line) => line.split(',')[1] ?? ''),
  },
  NDJSON: {
    nameField: 'name',
    write: (records) => records.map(([id, name]) => `${JSON.stringify({ id, name })}\n`).join(''),
    names: (text) =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { name: string }).name),
  },
  VCARD: {
    nameField: 'displayName',
    write: (records) =>
      records.map(([id, name]) => `BEGIN:VCARD\r\nVERSION:4.0\r\nUID:${id}\r\nFN:${name}\r\nEND:VCARD\r\n`).join(''),
    names: (text) =>
      text
        .split('\r\n')
        .filter((line) => line.startsWith('FN:'))
        .map((line) => line.slice(3)),
  },
};

/** A file that a program writes anew whenever something in it changes. */
export async function createFilePeer(format: Format): Promise<ConformancePeer> {
  const { environment, folder, remove } = await realEnvironment();
  const { nameField, write, names } = formats[format];
  const records = new Map<string, string>();
  const save = async () => {
    await writeFile(join(folder, '.new'), write([...records]));
    await rename(join(folder, '.new'), join(folder, 'people.txt'));
  };
  await save();
  return {
    connector: fileConnector,
    configuration: {
      file: 'people.txt',
      format,
      exportName: 'export',
      ...(format === 'VCARD' ? {} : { idField: 'id' }),
    },
    environment,
    recordType: 'record',
    nameField,
    add: async (added) => {
      const ids = added.map((own) => `id-${records.size}-${own.replaceAll(' ', '-')}`);
      added.forEach((own, index) => records.set(ids[index] ?? '', own));
      await save();
      return ids;
    },
    edit: async (id, own) => {
      records.set(id, own);
      await save();
    },
    remove: async (id) => {
      records.delete(id);
      await save();
    },
    names: async () => {
      const files = ['people.txt', ...(await environment.files.list('export-'))];
      const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
      return texts.flatMap(names);
    },
    fields: (own) => ({ [nameField]: own }),
    wrong: [
      { change: { file: 'nothing.txt' }, field: '/file' },
      { change: { file: '../people.txt' }, field: '/file' },
      { change: { format: 'XLS' }, field: '/format' },
      ...(format === 'CSV' ? [{ change: { idField: 'nothing' }, field: '/idField' }] : []),
    ],
    stop: remove,
  };
}
