import { maskText } from '@rapport/contracts';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import type { SharedPlatform } from '@rapport/testing';
import { expect, it } from 'vitest';
import type { ApiClient } from '../api-client.ts';
import { untilKept } from '../until-kept.ts';
import { readPermissions, type RecordSubject } from './record-subjects.ts';
import { RecordTenant, untilAllKept, type RecordCaller } from './record-tenant.ts';

/** Access to records of every type through the edge, independent of answers cached for others. */
export function recordAccess(platform: () => SharedPlatform, subject: RecordSubject): void {
  const { text, record } = subject;
  const { permission, options } = record;

  it('a cached answer is served to no other tenant, and to no caller without the permission', async () => {
    const tenant = await RecordTenant.create(platform(), subject);
    const stranger = await RecordTenant.create(platform(), subject);
    const blind = await tenant.withKey({
      permissions: readPermissions.filter((each) => each !== `${permission}.read`),
    });
    const onlooker = await tenant.withKey({ permissions: readPermissions });
    const { id } = await tenant.create('Ours');
    const [get, list, batchGet] = [tenant.path(id), tenant.path(), `${tenant.path()}:batchGet?ids=${id}`];
    const paths = [get, list, batchGet, `${tenant.path()}:aggregate`];
    const missing = (needed: string) => ({
      ...{ status: 403, body: { code: 'PERMISSION_MISSING', metadata: { permission: needed } } },
    });

    for (const edge of ['reader', 'writer'] as const) {
      await untilAllKept(tenant[edge], paths);
      expect(await stranger[edge].send('GET', get)).toMatchObject({ status: 404 });
      expect(tenant.listed(await stranger[edge].send('GET', list)).map((each) => each.id)).not.toContain(id);
      expect(await stranger[edge].send('GET', batchGet)).toMatchObject({ body: { missingIds: [id] } });
      for (const path of [...paths, `${get}/history`]) {
        expect(await blind[edge].send('GET', path)).toMatchObject(missing(subject.permissions.read));
      }
      const body = { [text.name]: 'Theirs' };
      expect(await stranger[edge].send('PATCH', get, { body })).toMatchObject({ status: 404 });
      expect(await stranger[edge].send('DELETE', get)).toMatchObject({ status: 404 });
      expect(await onlooker[edge].send('PATCH', get, { body })).toMatchObject(missing(subject.permissions.write));
      expect(await onlooker[edge].send('DELETE', get)).toMatchObject(missing(subject.permissions.write));
      expect(tenant.textOf((await onlooker[edge].send('GET', get)).body)).toBe('Ours');
    }
  });

  it.runIf(text.isPersonal)(
    'personal data is hidden wherever a record is read, cached or not, and is not searchable',
    async () => {
      const tenant = await RecordTenant.create(platform(), subject);
      const discreet = await tenant.withKey({ hidesPii: true });
      const { id } = await tenant.create('Zaphodine');
      const [get, list] = [tenant.path(id), tenant.path()];
      const kept = [get, list, `${list}:batchGet?ids=${id}`];
      const read = async (by: ApiClient, path: string) => JSON.stringify((await by.send('GET', path)).body);

      // First callers that see all, then those that do not, then the former again.
      await untilAllKept(tenant.reader, kept);
      for (const { body } of await untilAllKept(discreet.reader, kept)) {
        expect(JSON.stringify(body)).toContain(maskText);
        expect(JSON.stringify(body)).not.toContain('Zaphodine');
      }
      for (const path of kept) expect(await read(tenant.reader, path)).toContain('Zaphodine');
      for (const path of [`${get}/history`, `/v1/changes?types=${subject.type}&waitSeconds=20`]) {
        expect(await read(tenant.reader, path)).toContain('Zaphodine');
        expect(await read(discreet.reader, path)).toContain(maskText);
        expect(await read(discreet.reader, path)).not.toContain('Zaphodine');
      }
      const questions = [
        `filter=${encodeURIComponent(`${text.column} = "zaphodine*"`)}`,
        ...(text.index.search ? ['q=zaphodine'] : []),
        ...(text.index.order === FieldOrder.UNSPECIFIED ? [] : [`orderBy=${text.name}`]),
      ];
      for (const question of questions) {
        const field = question.startsWith('q=') ? (subject.derived ?? text.name) : text.name;
        expect(await discreet.reader.send('GET', `${list}?${question}`)).toMatchObject({
          ...{ status: 403, body: { code: 'FIELD_HIDDEN', metadata: { field } } },
        });
      }
    },
  );

  it.runIf(options.owned)('callers with different scopes never get each other’s cached answers', async () => {
    const tenant = await RecordTenant.create(platform(), subject);
    const [north, south] = [await team(tenant, 'North'), await team(tenant, 'South')];
    const callers: Readonly<Record<string, RecordCaller>> = {
      all: await tenant.withKey({ recordScope: 'ALL', teamId: north }),
      ann: await tenant.withKey({ recordScope: 'OWN', teamId: north }),
      bob: await tenant.withKey({ recordScope: 'OWN', teamId: north }),
      bea: await tenant.withKey({ recordScope: 'TEAM', teamId: north }),
      lea: await tenant.withKey({ recordScope: 'TEAM', teamId: south }),
    };
    const seen: Readonly<Record<string, readonly string[]>> = {
      all: ['all', 'ann', 'bea', 'bob', 'lea'],
      ann: ['ann'],
      bob: ['bob'],
      bea: ['ann', 'bea', 'bob'],
      lea: ['lea'],
    };
    const ids = new Map<string, string>();
    for (const [name, { writer }] of Object.entries(callers))
      ids.set(name, (await tenant.create(name, { by: writer })).id);
    const list = `${tenant.path()}?total=EXACT`;

    for (const edge of ['reader', 'writer'] as const) {
      for (const [name, caller] of Object.entries(callers)) {
        const page = await untilKept(caller[edge], list);
        const own = seen[name] ?? [];
        expect([
          name,
          tenant
            .listed(page)
            .map((each) => tenant.textOf(each))
            .toSorted(),
        ]).toEqual([name, own]);
        expect(page.body).toMatchObject({ totalSize: own.length });
        const statuses = [...ids].map(async ([owner, id]) => {
          return [name, owner, (await caller[edge].send('GET', tenant.path(id))).status];
        });
        expect(await Promise.all(statuses)).toEqual(
          [...ids.keys()].map((owner) => [name, owner, own.includes(owner) ? 200 : 404]),
        );
      }
    }
    const history = `${tenant.path(ids.get('all'))}/history`;
    expect(await callers['ann']?.reader.send('GET', history)).toMatchObject({ status: 404 });
  });

  it.runIf(options.owned)(
    'a record with a new owner disappears for one caller and appears for another, cached or not',
    async () => {
      const tenant = await RecordTenant.create(platform(), subject);
      const teamId = await team(tenant, 'West');
      const ann = await tenant.withKey({ recordScope: 'OWN', teamId });
      const bea = await tenant.withKey({ recordScope: 'TEAM', teamId });
      const { id, ownerTeamId } = await tenant.create('Handed over', { by: ann.writer });
      const paths = [tenant.path(id), tenant.path()];
      await untilAllKept(ann.reader, paths);
      const give = (by: ApiClient) => by.send('PATCH', tenant.path(id), { body: { ownerId: null } });

      const refused = await give(ann.writer);
      const handed = await give(bea.writer);

      expect(ownerTeamId).toBe(teamId);
      expect(refused).toMatchObject({
        status: 403,
        body: { code: 'OWNER_OUT_OF_SCOPE', errors: [{ in: 'body', pointer: '/ownerId', code: 'OWNER_OUT_OF_SCOPE' }] },
      });
      expect(handed.status).toBe(200);
      for (const [{ reader }, status, listed] of [
        [ann, 404, []],
        [bea, 200, [id]],
      ] as const) {
        expect(await reader.send('GET', tenant.path(id))).toMatchObject({ status });
        expect(tenant.listed(await reader.send('GET', tenant.path())).map((each) => each.id)).toEqual(listed);
      }
    },
  );
}

async function team(tenant: RecordTenant, displayName: string): Promise<string> {
  return (await tenant.post('teams', { displayName })).id;
}
