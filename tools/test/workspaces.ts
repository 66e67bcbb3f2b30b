import { createHash } from 'node:crypto';
import type { SharedPlatform } from '@rapport/testing';
import { expect, vi } from 'vitest';
import { ApiClient } from './api-client.ts';
import type { Answer } from './open-api.ts';
import { hasEnded, Importer, type Operation } from './importer.ts';

type Line = Record<string, unknown>;

interface Manifest {
  tenantId: string;
  files: { name: string; records: number; bytes: number; sha256: string }[];
  contents: { files: number; bytes: number };
}

/** A tenant for export and import over REST. */
export class Workspace {
  private readonly platform: SharedPlatform;
  private readonly importer: Importer;

  private constructor(platform: SharedPlatform, importer: Importer) {
    this.platform = platform;
    this.importer = importer;
  }

  static async create(platform: SharedPlatform, name: string): Promise<Workspace> {
    return new Workspace(platform, await Importer.create(platform, name));
  }

  get api(): ApiClient {
    return this.importer.api;
  }

  /** The answer of a call that must succeed. */
  async send<Body = { id: string }>(method: string, path: string, body?: unknown): Promise<Body> {
    const answer = await this.api.send(method, path, body === undefined ? {} : { body });
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body as Body;
  }

  /** Exports the workspace and downloads the archive. */
  async export(): Promise<Archive> {
    const { status, body } = await this.api.send('POST', '/v1/workspace:export');
    expect(status, JSON.stringify(body)).toBe(202);
    const { id } = body as Operation;
    const operation = await this.untilEnded(id);
    expect(operation).toMatchObject({ kind: 'WORKSPACE_EXPORT', state: 'SUCCEEDED' });
    return this.download(id);
  }

  /** The archive of an export, with the size and the hash of its operation. */
  async download(id: string): Promise<Archive> {
    const operation = await this.untilEnded(id);
    const answer = await this.importer.stream(`/v1/workspaceExports/${id}:download`, '*/*');
    expect(answer.headers.get('content-type')).toBe('application/x-tar');
    const bytes = Buffer.from(await answer.arrayBuffer());
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(operation).toMatchObject({ archive: { sizeBytes: bytes.length, sha256 } });
    return new Archive(id, bytes);
  }

  /** Enables encryption of personal data. */
  async encrypt(): Promise<void> {
    const { id } = await this.send<Operation>('POST', '/v1/personalData:encrypt');
    expect(await this.untilEnded(id)).toMatchObject({ state: 'SUCCEEDED' });
  }

  createImport(): Promise<Operation> {
    return this.send<Operation>('POST', '/v1/workspace:import');
  }

  /** Imports an archive to the end of its operation. */
  async import(bytes: Buffer): Promise<Operation> {
    const { id } = await this.createImport();
    await this.send('PUT', `/v1/workspaceImports/${id}/archive`, bytes);
    return this.untilEnded(id);
  }

  untilEnded(id: string): Promise<Operation> {
    return this.importer.until(id, hasEnded, 150);
  }

  /** Starts an import, once a cancelled one has been cleaned up. */
  async untilCleared(): Promise<Answer> {
    let answer: Answer | undefined;
    const isCleared = async () => (answer = await this.api.send('POST', '/v1/workspace:import')).status !== 409;
    await vi.waitUntil(isCleared, { timeout: 240_000, interval: 200 });
    return answer!;
  }

  /** A client with a key of the workspace that has these rights. */
  async callerWith(rights: object): Promise<ApiClient> {
    const { key } = await this.send<{ key: string }>('POST', '/v1/apiKeys', { displayName: 'narrow', ...rights });
    return ApiClient.connect(this.platform.edgeUrl, key);
  }

  /** The API's answers of all lists, and the bytes of files. */
  async answers(): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (const collection of [
      'customers',
      'deals',
      'pipelines',
      'stageEntries',
      'tasks',
      'notes',
      'calls',
      'meetings',
      'emails',
      'calendars',
      'tickets',
      'slaPolicies',
      'exchangeRates',
      'products',
      'prices',
      'quotes',
      'quotas',
      'forecastSnapshots',
      'customFields',
      'suppressions',
      'merges',
    ]) {
      const path = `/v1/${collection}?${['customFields'].includes(collection) ? '' : 'pageSize=200'}`;
      const body = await this.send<Record<string, Line[]>>('GET', path);
      answers.push(...(body[collection] ?? []));
    }
    const settings = await this.send<Line>('GET', '/v1/settings');
    const records = (answers as Line[])
      .filter(({ kind }) => kind === 'PERSON')
      .map(({ id }) => `customers/${String(id)}`);
    for (const record of records) {
      const { files } = await this.send<{ files: Line[] }>('GET', `/v1/files?record=${record}`);
      for (const file of files) {
        const answer = await this.importer.stream(`/v1/files/${String(file['id'])}:download`, '*/*');
        answers.push(file, await answer.text());
      }
      answers.push(
        await this.send('GET', `/v1/${record}/consents`),
        await this.send('GET', `/v1/${record}/associations`),
      );
    }
    return [...answers, settings];
  }
}

interface File {
  name: string;
  data: Buffer;
}

/** An archive as a client reads and forges it. */
export class Archive {
  readonly id: string;
  readonly bytes: Buffer;
  #files: File[];

  constructor(id: string, bytes: Buffer) {
    this.id = id;
    this.bytes = bytes;
    this.#files = [...filesOf(bytes)];
  }

  get manifest(): Manifest {
    return JSON.parse(this.file('manifest.json').toString()) as Manifest;
  }

  file(name: string): Buffer {
    const found = this.#files.find((file) => file.name === name);
    if (!found) throw new Error(`The archive has no ${name}.`);
    return found.data;
  }

  /** The number of each line, by its hash and its folder. */
  lineHashes(): Map<string, number> {
    const hashes = new Map<string, number>();
    for (const { name, data } of this.#files.filter((file) => file.name.endsWith('.ndjson'))) {
      for (const line of data.toString().trimEnd().split('\n')) {
        const hash = `${folderOf(name)} ${createHash('sha256').update(line).digest('hex')}`;
        hashes.set(hash, (hashes.get(hash) ?? 0) + 1);
      }
    }
    return hashes;
  }

  /** Names and hashes of the bytes of files. */
  contents(): string[] {
    const contents = this.#files.filter(({ name }) => name.startsWith('files/'));
    return contents.map(({ name, data }) => `${name} ${createHash('sha256').update(data).digest('hex')}`);
  }

  copy(): Archive {
    return new Archive(this.id, this.bytes);
  }

  /** Changes a line of a folder, the first one by default. */
  edit(folder: string, change: (line: Line) => Line, at = 0): void {
    this.#change(folder, (lines) => lines.with(at, JSON.stringify(change(JSON.parse(lines[at] ?? '') as Line))));
  }

  repeat(folder: string): void {
    this.#change(folder, (lines) => [...lines, lines[0] ?? '']);
  }

  dropFolder(folder: string): void {
    this.#files = this.#files.filter(({ name }) => folderOf(name) !== folder);
  }

  rename(folder: string, to: string): void {
    this.#files = this.#files.map(({ name, data }) => ({ name: name.replace(`${folder}/`, `${to}/`), data }));
  }

  moveFirst(folder: string): void {
    const isMoved = ({ name }: File) => folderOf(name) === folder;
    this.#files = [...this.#files.filter(isMoved), ...this.#files.filter((file) => !isMoved(file))];
  }

  /** Gives the first part of a folder other bytes. */
  replace(folder: string, data: Buffer): void {
    const file = this.#partOf(folder);
    this.#files = this.#files.map((each) => (each === file ? { ...file, data } : each));
  }

  /** Adds parts after the last one of a folder. */
  addAfter(folder: string, parts: readonly File[]): void {
    const at = this.#files.findLastIndex(({ name }) => folderOf(name) === folder) + 1;
    this.#files = [...this.#files.slice(0, at), ...parts, ...this.#files.slice(at)];
  }

  /** The archive with a correct manifest, or another one. */
  sealed(other?: Buffer): Buffer {
    const parts = this.#files.filter(({ name }) => name.endsWith('.ndjson'));
    const files = parts.map(({ name, data }) => ({
      name,
      records: data.toString().split('\n').length - 1,
      bytes: data.length,
      sha256: createHash('sha256').update(data).digest('hex'),
    }));
    const manifest = other ?? Buffer.from(JSON.stringify({ ...this.manifest, files }));
    const others = this.#files.filter(({ name }) => name !== 'manifest.json');
    return Buffer.concat(
      [...others, { name: 'manifest.json', data: manifest }].map(tarFile).concat(Buffer.alloc(1_024)),
    );
  }

  #change(folder: string, change: (lines: string[]) => string[]): void {
    const lines = change(this.#partOf(folder).data.toString().trimEnd().split('\n'));
    this.replace(folder, Buffer.from(`${lines.join('\n')}\n`));
  }

  #partOf(folder: string): File {
    const file = this.#files.find(({ name }) => folderOf(name) === folder);
    if (!file) throw new Error(`The archive has no ${folder}.`);
    return file;
  }
}

function folderOf(name: string): string {
  return name.slice(0, name.lastIndexOf('/'));
}

function* filesOf(bytes: Buffer): Generator<File> {
  for (let place = 0; bytes[place];) {
    const name = bytes.toString('utf8', place, bytes.indexOf(0, place));
    const size = Number.parseInt(bytes.toString('latin1', place + 124, place + 135), 8);
    yield { name, data: bytes.subarray(place + 512, place + 512 + size) };
    place += 512 + Math.ceil(size / 512) * 512;
  }
}

function tarFile({ name, data }: File): Buffer {
  const header = Buffer.alloc(512);
  header.write(name);
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100);
  header.write(`${data.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}
