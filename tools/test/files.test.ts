import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { sharedPlatform } from '@rapport/testing';
import { beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { ApiClient } from './api-client.ts';

interface Upload {
  id: string;
  receivedBytes: number;
  file?: { name: string; contentType: string; sha256: string };
}

const platform = await sharedPlatform(inject('platformUrl'));
let api: ApiClient;
let authorization: string;
let record: string;

beforeAll(async () => {
  const { apiKey } = await platform.createTenant('Files');
  authorization = `Bearer ${apiKey}`;
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const { body } = await api.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName: 'Ada' } });
  record = `customers/${(body as { id: string }).id}`;
}, 120_000);

async function createUpload(name: string, contentType: string): Promise<string> {
  const { status, body } = await api.send('POST', '/v1/fileUploads', { body: { record, name, contentType } });
  expect(status).toBe(201);
  return (body as Upload).id;
}

async function put(id: string, body: Uint8Array | string, query = ''): Promise<Upload> {
  const answer = await api.send('PUT', `/v1/fileUploads/${id}/content${query}`, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body as Upload;
}

async function receivedOf(id: string): Promise<number> {
  return ((await api.send('GET', `/v1/fileUploads/${id}`)).body as Upload).receivedBytes;
}

/** Sends the beginning of a file, and breaks the connection once a part is stored. */
async function breakOff(id: string, data: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const sending = request(`${platform.edgeUrl}/v1/fileUploads/${id}/content`, {
    ...{ method: 'PUT', agent: false },
    headers: { authorization, 'content-length': data.length + 1 },
  });
  sending.on('error', () => undefined).on('close', resolve);
  sending.write(data);
  await vi.waitUntil(async () => (await receivedOf(id)) > 0, { timeout: 20_000 });
  sending.destroy();
  await promise;
}

describe('a file over REST', () => {
  it('is resumed after a lost connection, and downloaded unchanged', async () => {
    const data = randomBytes(3_000_000);
    const id = await createUpload('plan (März).bin', 'application/x-plan');
    await breakOff(id, data.subarray(0, 1_500_000));

    // The last bytes may just be being stored.
    let upload: Upload | undefined;
    await vi.waitUntil(
      async () => {
        const offset = await receivedOf(id);
        const answer = await api.send('PUT', `/v1/fileUploads/${id}/content?offset=${offset}`, {
          body: data.subarray(offset),
        });
        if (answer.status === 409) return false;
        upload = answer.body as Upload;
        return true;
      },
      { timeout: 20_000 },
    );

    const sha256 = createHash('sha256').update(data).digest('hex');
    expect(upload?.file).toMatchObject({ name: 'plan (März).bin', contentType: 'application/octet-stream', sha256 });
    const answer = await fetch(`${platform.edgeUrl}/v1/files/${id}:download`, { headers: { authorization } });
    const downloaded = Buffer.from(await answer.arrayBuffer());
    expect(downloaded.equals(data)).toBe(true);
    const { body } = await api.send('GET', `/v1/files?record=${record}`);
    expect((body as { files: object[] }).files).toContainEqual(upload?.file);
  });

  it('is never run by a browser', async () => {
    const id = await createUpload('x".html', 'text/html');
    await put(id, '<script>alert(1)</script>');

    const { headers } = await api.send('GET', `/v1/files/${id}:download`);

    expect(headers.get('content-type')).toMatch(/^text\/plain/);
    expect(headers.get('content-disposition')).toBe(`attachment; filename="x_.html"; filename*=UTF-8''x%22.html`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'; sandbox");
  });

  it('is downloaded in parts of one version', async () => {
    const data = randomBytes(700_000);
    const id = await createUpload('parts.bin', 'application/x-plan');
    await put(id, data);
    const download = async (headers: { range?: string; 'if-range'?: string }) => {
      const answer = await fetch(`${platform.edgeUrl}/v1/files/${id}:download`, {
        headers: { authorization, ...headers },
      });
      return { answer, bytes: Buffer.from(await answer.arrayBuffer()) };
    };

    const { answer: whole, bytes } = await download({});
    expect(whole.status).toBe(200);
    expect(bytes.equals(data)).toBe(true);
    const etag = `"${createHash('sha256').update(data).digest('hex')}"`;
    const head = (answer: Response, ...names: string[]) => names.map((name) => answer.headers.get(name));
    expect(head(whole, 'accept-ranges', 'content-length', 'etag')).toEqual(['bytes', '700000', etag]);

    for (const [range, from, to] of [
      ['bytes=0-0', 0, 1],
      ['bytes=262143-262144', 262_143, 262_145],
      ['bytes=100-', 100, 700_000],
      ['bytes=-5', 699_995, 700_000],
    ] as const) {
      const { answer, bytes: part } = await download({ range, 'if-range': etag });
      expect([answer.status, part.equals(data.subarray(from, to))], range).toEqual([206, true]);
      expect(head(answer, 'content-range', 'content-length')).toEqual([
        `bytes ${from}-${to - 1}/700000`,
        String(to - from),
      ]);
      expect(head(answer, 'content-disposition')[0]).toContain('parts.bin');
    }
    for (const headers of [
      { range: 'bytes=0-0', 'if-range': '"other"' },
      { range: 'bytes=0-0,2-3' },
      { range: 'rows=1-' },
    ]) {
      const { answer, bytes: all } = await download(headers);
      expect([answer.status, all.length, answer.headers.get('content-range')]).toEqual([200, 700_000, null]);
    }
    const { answer: beyond, bytes: problem } = await download({ range: 'bytes=700000-' });
    expect([beyond.status, ...head(beyond, 'content-range', 'content-type')]).toEqual([
      ...[416, 'bytes */700000', 'application/problem+json; charset=utf-8'],
    ]);
    expect(JSON.parse(String(problem))).toMatchObject({ status: 416, code: 'RANGE_NOT_SATISFIABLE' });
  });

  it('is renamed, deleted and restored', async () => {
    const id = await createUpload('short.txt', 'text/plain');
    await put(id, 'short');
    const path = `/v1/files/${id}`;

    const renamed = await api.send('PATCH', path, { body: { name: 'long.txt' }, headers: { 'if-match': '"1"' } });
    expect([renamed.status, renamed.body]).toMatchObject([200, { id, name: 'long.txt', etag: '"2"' }]);
    expect((await api.send('PATCH', path, { body: { sizeBytes: 1 } })).status).toBe(400);
    expect((await api.send('DELETE', path)).status).toBe(200);
    for (const gone of [path, `${path}:download`]) expect((await api.send('GET', gone)).status).toBe(404);
    expect((await api.send('POST', `${path}:undelete`)).status).toBe(200);

    const { headers } = await api.send('GET', `${path}:download`);
    expect(headers.get('content-disposition')).toContain('long.txt');
    expect((await api.send('DELETE', `${path}?permanent=true`)).status).toBe(200);
    expect((await api.send('POST', `${path}:undelete`)).status).toBe(404);
  });
});
