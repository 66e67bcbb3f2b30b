import { restRoutes } from '@rapport/contracts';
import type { SharedPlatform } from '@rapport/testing';
import { expect, it } from 'vitest';
import { ServiceCaller } from '../access/service-caller.ts';
import { untilKept } from '../until-kept.ts';
import { contract, readPermissions, type RecordSubject } from './record-subjects.ts';
import { RecordTenant, untilAllKept, type Json, type Message } from './record-tenant.ts';

/** The edges' cache of records of every type. */
export function recordCache(platform: () => SharedPlatform, subject: RecordSubject): void {
  const { text, record } = subject;

  it('a cached answer of one edge is never older than a write through another one', async () => {
    const tenant = await RecordTenant.create(platform(), subject);
    const unique = subject.unique();
    const { id } = await tenant.create('First', { more: unique });
    const collection = tenant.path();
    const batch = (verb: string, items: Json[]) => tenant.ok('POST', `${collection}:batch${verb}`, { items });
    const item = (value: Json) => ({ [record.singular]: value });
    const others: string[] = [];
    const texts = new Map([[id, 'First']]);
    /** Writes to the cached record. */
    let version = 1;
    const writes: Readonly<Record<string, () => Promise<unknown>>> = {
      create: async () => {
        const made = await tenant.create('Created');
        others.push(made.id);
        texts.set(made.id, 'Created');
      },
      update: async () => {
        await tenant.ok('PATCH', tenant.path(id), { [text.name]: 'Updated' });
        texts.set(id, 'Updated');
        version += 1;
      },
      batchCreate: async () => {
        const { results } = await batch('Create', [item(tenant.content('Batch'))]);
        const [made] = (results as Record<string, Message>[]).map((result) => result[record.singular]);
        others.push(made!.id);
        texts.set(made!.id, 'Batch');
      },
      batchUpdate: async () => {
        const changed = { id, ...item({ ...tenant.content('Together') }), updateMask: [text.name] };
        await batch('Update', [changed]);
        texts.set(id, 'Together');
        version += 1;
      },
      upsert: async () => {
        const body = tenant.content('Upserted', unique);
        await tenant.ok('POST', `${collection}:upsert${tenant.upsertQuery()}`, body);
        texts.set(id, 'Upserted');
        version += 1;
      },
      delete: async () => {
        await tenant.ok('DELETE', tenant.path(id));
        texts.delete(id);
        version += 1;
      },
      undelete: async () => {
        await tenant.ok('POST', `${tenant.path(id)}:undelete`);
        texts.set(id, 'Upserted');
        version += 1;
      },
      batchDelete: async () => {
        const gone = [id, ...others.splice(0)];
        await batch(
          'Delete',
          gone.map((each) => ({ id: each })),
        );
        for (const each of gone) texts.delete(each);
        version += 1;
      },
    };
    const [get, list] = [tenant.path(id), collection];
    const [batchGet, aggregate] = [`${collection}:batchGet?ids=${id}`, `${collection}:aggregate`];

    for (const [name, write] of Object.entries(writes)) {
      await untilAllKept(tenant.reader, [get, list, batchGet, aggregate]);
      await write();

      const read = (path: string) => tenant.reader.send('GET', path);
      const [got, listed, found, counted, history] = await Promise.all(
        [get, list, batchGet, aggregate, `${get}/history`].map(read),
      );
      const expected = texts.get(id);
      expect([name, got]).toMatchObject([
        ...[name, expected === undefined ? { status: 404 } : { status: 200, body: { [text.name]: expected } }],
      ]);
      const seen = tenant.listed(listed!).map((each) => [each.id, tenant.textOf(each)] as const);
      expect([name, new Map(seen)]).toEqual([name, texts]);
      expect([name, tenant.listed(found!).map((each) => tenant.textOf(each))]).toEqual([
        ...[name, expected === undefined ? [] : [expected]],
      ]);
      expect([name, counted!.body]).toMatchObject([name, { total: { count: texts.size } }]);
      const { changes } = history!.body as { changes?: { version: number }[] };
      expect([name, changes?.[0]?.version]).toEqual([name, version]);
    }
  });

  it('the change log invalidates cached answers after a change past every edge', async () => {
    const tenant = await RecordTenant.create(platform(), subject);
    const [{ id }, { id: other }] = [await tenant.create('Before'), await tenant.create('Other')];
    const paths = [tenant.path(id), tenant.path()];
    await untilAllKept(tenant.reader, paths);
    const services = await ServiceCaller.of(platform());
    const permissions = [...readPermissions, record.writePermission];
    const { tenantId } = tenant.tenant;
    const route = restRoutes(contract).find(({ method }) => method.name === `Update${record.message.name}`);
    const parts = { params: { ...subject.params, id }, query: {}, headers: {}, body: { [text.name]: 'After' } };

    const caller = { tenantId, principalId: `apiKey:${crypto.randomUUID()}`, permissions };
    const answer = await services.ask({ route: route!, parts, file: undefined }, caller);
    services.close();

    expect(answer).toMatchObject({ status: 'OK' });
    for (const path of paths) {
      const read = async () => JSON.stringify((await tenant.reader.send('GET', path)).body);
      await expect.poll(read, { timeout: 60_000 }).toContain('"After"');
    }
    await untilKept(tenant.reader, tenant.path(other));
  });
}
