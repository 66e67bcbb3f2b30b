import { sharedPlatform } from '@rapport/testing';
import { describe, expect, inject, it } from 'vitest';
import { Importer, people, type Operation } from './importer.ts';

const platform = await sharedPlatform(inject('platformUrl'));

describe('an import over REST', () => {
  it('is uploaded in parts, and streams its progress as server-sent events', async () => {
    const importer = await Importer.create(platform, 'Watcher');
    const id = await importer.createImport();
    const events = await importer.stream(`/v1/operations/${id}:watch`, 'text/event-stream');
    const file = people(3_000);
    const part = await importer.upload(id, file.slice(0, 50_000), '?complete=false');
    await importer.upload(id, file.slice(50_000), `?offset=${part.receivedBytes}`);

    const text = await events.text();

    const operations = [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => JSON.parse(json) as Operation);
    expect(part).toMatchObject({ state: 'WAITING', receivedBytes: 50_000 });
    expect(operations[0]).toMatchObject({ state: 'WAITING', receivedBytes: 0 });
    expect(operations.at(-1)).toMatchObject({
      state: 'SUCCEEDED',
      counts: { rows: 3_000 },
      processedBytes: file.length,
    });
    expect(operations.length).toBeGreaterThan(2);
  });

  it('offers its issues as CSV', async () => {
    const importer = await Importer.create(platform, 'Issues');
    const id = await importer.createImport();
    await importer.upload(id, 'name,email\nAda,nobody\n');
    await importer.untilEnded(id);

    const answer = await importer.stream(`/v1/operations/${id}/issues:download`, '*/*');

    expect(answer.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(await answer.text()).toMatch(/^severity,line,reason,field,message,customer_id\r\n[A-Z]+,2,/);
  });

  it('reports its failure as a problem of RFC 9457', async () => {
    const importer = await Importer.create(platform, 'Broken file');
    const id = await importer.createImport();
    await importer.upload(id, 'name,email\n"not closed,');

    expect(await importer.untilEnded(id)).toMatchObject({
      state: 'FAILED',
      error: {
        type: 'urn:rapport:problem:csv-invalid',
        title: 'Bad Request',
        status: 400,
        detail: expect.any(String) as string,
        code: 'CSV_INVALID',
      },
    });
  });

  it('is NOT_FOUND to another tenant', async () => {
    const [mine, theirs] = [await Importer.create(platform, 'Mine'), await Importer.create(platform, 'Theirs')];
    const id = await mine.createImport();

    for (const path of ['', '/issues', ':watch', '/issues:download']) {
      const { status } = await theirs.api.send('GET', `/v1/operations/${id}${path}`);
      expect([path, status]).toEqual([path, 404]);
    }
  });
});
