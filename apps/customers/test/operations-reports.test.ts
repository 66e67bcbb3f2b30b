import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ImportTenant } from './import-tenant.js';
import { OperationTenant } from './operation-tenant.js';
import { sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();

let tenant: OperationTenant;

beforeEach(async () => {
  tenant = await OperationTenant.create(customers);
});
afterEach(() => tenant.close());

describe('issues of an operation', () => {
  test('are returned page by page, and as a CSV file', async () => {
    const { id } = await tenant.run('name,email\nAda,ada\nBob,bob@x.example\n"Cy, ""C""",cy@x.example,3\n');

    const first = await customers.call('listOperationIssues', { id, pageSize: 1 }, tenant.caller);
    const { nextPageToken: pageToken } = first;
    const second = await customers.call('listOperationIssues', { id, pageSize: 1, pageToken }, tenant.caller);
    const text = await tenant.download(id);

    const issues = [...first.issues, ...second.issues];
    expect(issues.map(({ line }) => line)).toEqual([2, 4]);
    expect(second.nextPageToken).toBeUndefined();
    expect(text.split('\r\n')).toHaveLength(issues.length + 2);
    expect(text).toMatch(
      /^severity,line,reason,field,message,customer_id\r\n(ERROR|WARNING),2,BAD_FORMAT,emails\[0\]\.address,"""ada/,
    );
    await expect(
      customers.call('listOperationIssues', { id: (await tenant.createImport()).id, pageToken }, tenant.caller),
    ).rejects.toMatchObject({ violations: [{ field: 'pageToken' }] });
  });

  test('are downloaded completely, over many pages', async () => {
    const { id, counts } = await tenant.run(`name,city\n${',Berlin\n'.repeat(2_000)}`);

    expect(counts).toMatchObject({ failed: 2_000, issues: 2_000 });
    expect((await tenant.download(id)).split('\r\n')).toHaveLength(2_002);
  });
});

describe('a mapping', () => {
  const mapping = {
    key: '',
    map: ['Mail=email', 'Nr=external_id'],
    kind: 1,
    listMode: 0,
    externalIdSystem: 'erp',
    updateTime: undefined,
  };

  test('without a system has none', async () => {
    const bare = { ...mapping, externalIdSystem: undefined };

    const saved = await customers.call('saveImportMapping', { key: 'bare', mapping: bare }, tenant.caller);

    expect(saved.externalIdSystem).toBeUndefined();
    expect(await customers.call('getImportMapping', { key: 'bare' }, tenant.caller)).toEqual(saved);
  });

  test('is saved, used, and deleted without an effect on imports that use it', async () => {
    const key = 'nightly';
    await customers.call('saveImportMapping', { key, mapping }, tenant.caller);
    const { id } = await tenant.createImport({ mapping: key });
    const deleted = await customers.call('deleteImportMapping', { key }, tenant.caller);
    await tenant.upload(id, ['Mail,Nr,Other\na@x.example,7,x\n']);
    const { counts, columns } = await tenant.untilEnded(id);

    expect(deleted).toMatchObject({ ...mapping, key, updateTime: expect.any(String) as string });
    expect(counts).toMatchObject({ created: 1 });
    expect(columns.map(({ field }) => field)).toEqual(['email', 'externalId', undefined]);
    expect(await tenant.dump()).toContainEqual(expect.stringContaining('erp/7'));
    await expect(customers.call('getImportMapping', { key }, tenant.caller)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(tenant.createImport({ mapping: key })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('with the same key is replaced, and all are listed by key', async () => {
    for (const key of ['b', 'a', 'b']) await customers.call('saveImportMapping', { key, mapping }, tenant.caller);
    await customers.call('saveImportMapping', { key: 'b', mapping: { ...mapping, map: ['X=email'] } }, tenant.caller);

    const { mappings } = await customers.call('listImportMappings', {}, tenant.caller);

    expect(mappings.map(({ key, map }) => [key, map[0]])).toEqual([
      ['a', 'Mail=email'],
      ['b', 'X=email'],
    ]);
  });

  test('is limited to 200, under concurrent saves', async () => {
    await tenant.database.query(
      `insert into import_mapping (tenant_id, key, rules, update_time)
       select $1, 'k' || number, '{"map":[],"kind":0}', now() from generate_series(1, 199) number`,
      [tenant.caller.tenantId],
    );

    const other = await ImportTenant.create(customers);
    // All can count before any of them can insert.
    await tenant.database.query('begin; lock table import_mapping in share row exclusive mode');

    const saves = ['a', 'b', 'c'].map((key) => customers.call('saveImportMapping', { key, mapping }, tenant.caller));
    await other.waitForSessions(3, `wait_event_type = 'Lock'`);
    await tenant.database.query('commit');
    const results = await Promise.allSettled(saves);
    await other.close();

    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_IMPORT_MAPPINGS' },
    });
  });

  test('is limited in total size, so that one response can list all', async () => {
    // 60 kB each.
    const map = Array.from({ length: 200 }, (_, index) => `${String(index).padEnd(294, 'x')}=tag`);
    const save = (key: string, more = map) =>
      customers.call('saveImportMapping', { key, mapping: { ...mapping, map: more } }, tenant.caller);
    const saved: string[] = [];
    const refusal = { code: 'RESOURCE_EXHAUSTED', reason: 'TOO_MANY_IMPORT_MAPPINGS' };

    const fill = async () => {
      for (let index = 0; index < 100; index += 1) saved.push((await save(`k${index}`)).key);
    };
    await expect(fill()).rejects.toMatchObject(refusal);

    expect(saved.length).toBeGreaterThan(20);
    await expect(save('other')).rejects.toMatchObject(refusal);
    expect(await save('k0', ['a=email'])).toMatchObject({ map: ['a=email'] });
  });

  test('excludes options that it determines itself', async () => {
    await customers.call('saveImportMapping', { key: 'k', mapping }, tenant.caller);

    await expect(
      tenant.createImport({ mapping: 'k', map: ['a=email'], kind: 2, externalIdSystem: 'x' }),
    ).rejects.toMatchObject({
      violations: [{ field: 'import.map' }, { field: 'import.kind' }, { field: 'import.externalIdSystem' }],
    });
    const wrong = { ...mapping, map: ['a=shoe_size'] };
    await expect(
      customers.call('saveImportMapping', { key: 'k', mapping: wrong }, tenant.caller),
    ).rejects.toMatchObject({
      violations: [{ field: 'mapping.map[0]', reason: 'UNKNOWN_FIELD' }],
    });
  });
});
