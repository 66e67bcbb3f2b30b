import { camelCase, maskText, snakeCase } from '@rapport/contracts';
import { UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { AppError, Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import { filterFields } from '../src/engine/fields/filter-fields.js';
import { hasValue } from '../src/engine/records/update-mask.js';
import { RecordTenant, type Answer, type Message, type SuiteSubject } from './record-tenant.js';
import { newCaller, type RunningCustomers } from './running-customers.js';

/** Customers have several kinds of match; other types only this one. */
const byExternalId = { match: UpsertMatch.EXTERNAL_ID, matchSystem: 'erp' };

/** The capabilities of every record type, through the service. */
export function recordSuite(service: () => RunningCustomers, subject: SuiteSubject): void {
  const { type, text, other } = subject;
  const { singular, plural } = type;
  const column = snakeCase(text);
  let tenant: RecordTenant;

  describe(`records of ${plural}`, () => {
    beforeEach(async () => {
      tenant = await RecordTenant.create(service(), subject);
    });

    test('are created, read, updated under their etag, deleted and restored', async () => {
      const created = await tenant.create(1);
      expect(created).toMatchObject({ ...tenant.content(1), etag: '"1"', createdBy: tenant.caller.principalId });
      expect(await tenant.get(created.id)).toEqual(created);

      const updated = await tenant.update(created.id, { [text]: 'Changed' }, created.etag);
      expect(updated).toEqual({ ...created, [text]: 'Changed', etag: '"2"', updateTime: updated['updateTime'] });
      await expect(tenant.update(created.id, { [text]: 'Lost' }, created.etag)).rejects.toMatchObject({
        code: 'ABORTED',
      });
      expect(await tenant.update(created.id, { [text]: 'Changed' })).toEqual(updated);

      await tenant.remove(created.id);
      await expect(tenant.get(created.id)).rejects.toMatchObject({ reason: `${type.constant}_NOT_FOUND` });
      expect(await tenant.list({ showDeleted: true })).toMatchObject([{ id: created.id }]);
      const back = await tenant.undelete(created.id);
      expect(back).toEqual({ ...updated, etag: '"4"', updateTime: back['updateTime'] });
      await expect(tenant.undelete(created.id)).rejects.toMatchObject({
        reason: `${type.constant}_NOT_DELETED`,
      });
    });

    test('are hidden from another tenant', async () => {
      const { id } = await tenant.create(1);
      const stranger = newCaller();
      await subject.prepare(service(), stranger);

      await expect(tenant.get(id, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await tenant.list({}, stranger)).toEqual([]);
      await expect(tenant.remove(id, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('are created once per idempotency key, and not at all with validateOnly', async () => {
      const request = { [singular]: tenant.record(1), requestId: 'a key' };
      await tenant.call(`create${tenant.single}`, { ...request, validateOnly: true });
      const first = await tenant.call(`create${tenant.single}`, request);

      expect(await tenant.call(`create${tenant.single}`, request)).toEqual(first);
      expect(await tenant.list({})).toEqual([first]);
      await expect(
        tenant.call(`create${tenant.single}`, { ...request, [singular]: tenant.record(2) }),
      ).rejects.toMatchObject({
        reason: 'IDEMPOTENCY_KEY_REUSED',
      });
    });

    test('are returned once over all pages, under concurrent writes', async () => {
      const still = new Set<string>();
      for (let number = 0; number < 30; number += 1) still.add((await tenant.create(number)).id);
      const moving = [await tenant.create(100), await tenant.create(101)];
      for (const orderBy of tenant.orders()) {
        const met: string[] = [];
        let pageToken: string | undefined;
        do {
          const answer: Answer = await tenant.page({ pageSize: 7, orderBy, pageToken });
          met.push(...(answer[plural] as Message[]).map(({ id }) => id));
          pageToken = answer['nextPageToken'] as string | undefined;
          await tenant.update(moving[0]!.id, { [text]: `Moving ${met.length} ${orderBy}` });
          await tenant.remove((await tenant.create(1_000 + met.length)).id);
        } while (pageToken !== undefined);
        expect(met.filter((id) => still.has(id)).sort(), orderBy).toEqual([...still].sort());
      }
    });

    test('are listed in each of their orders, in both directions, absent values last', async () => {
      for (let number = 0; number < 12; number += 1) await tenant.create(number);
      for (const orderBy of tenant.orders()) {
        const up = await tenant.list({ orderBy });
        const down = await tenant.list({ orderBy: `${orderBy} desc` });
        const valued = ({ [camelCase(orderBy)]: value }: Answer) => value !== undefined;
        expect(
          down.filter(valued).map(({ id }) => id),
          orderBy,
        ).toEqual(
          up
            .filter(valued)
            .reverse()
            .map(({ id }) => id),
        );
        expect(up.map(valued), orderBy).toEqual([...up].map(valued).sort((a, b) => Number(b) - Number(a)));
      }
    });

    test('can be filtered by the presence of each field, and a filter and its negation cover all', async () => {
      for (let number = 0; number < 5; number += 1) await tenant.create(number);
      for (const name of filterFields(type).keys()) {
        const [having, lacking] = [
          await tenant.list({ filter: `${name}:*` }),
          await tenant.list({ filter: `NOT ${name}:*` }),
        ];
        expect(having.length + lacking.length, name).toBe(5);
      }
    });

    test('are found by words, counted, grouped and summed', async () => {
      const { id } = await tenant.create(1, { [text]: 'Zephyr Analytical' });
      for (let number = 2; number < 5; number += 1) await tenant.create(number);

      expect((await tenant.list({ q: 'analyt zephyr' })).map((found) => found.id)).toEqual([id]);
      expect(await tenant.page({ pageSize: 1, total: 3 })).toMatchObject({ totalSize: 4 });
      for (const { name, field } of type.namedFields.filter((named) => named.field.index.group)) {
        const { total, groups } = (await tenant.call(`aggregate${tenant.many}`, { groupBy: [name] })) as {
          total: { count: number };
          groups: { count: number }[];
        };
        expect(total.count).toBe(4);
        const counted = groups.reduce((sum, { count }) => sum + count, 0);
        if (field.desc.fieldKind !== 'list') expect(counted, name).toBe(4);
      }
      for (const { name } of type.namedFields.filter((named) => named.field.index.sum)) {
        const summed = await tenant.call(`aggregate${tenant.many}`, { groupBy: [], sum: [name] });
        expect(summed, name).toMatchObject({ total: { count: 4 } });
      }
    });

    test('are written in batches, with invalid items reported separately', async () => {
      const items = [1, 2, 3].map((number) => ({ [singular]: tenant.record(number) }));
      const wrong = { [singular]: { ...type.empty(), [text]: '' } };
      const batch = { items: [...items, wrong], mode: 2 };

      const { results } = (await tenant.call(`batchCreate${tenant.many}`, { batch })) as { results: Answer[] };
      expect(results.map(({ problem }) => (problem as { code: string } | undefined)?.code)).toEqual([
        ...[undefined, undefined, undefined, 'INVALID_ARGUMENT'],
      ]);
      await expect(tenant.call(`batchCreate${tenant.many}`, { batch: { ...batch, mode: 1 } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      const ids = results.slice(0, 3).map((result) => (result[singular] as Message).id);
      const changes = ids.map((id) => ({
        ...{ id, [singular]: { ...type.empty(), [text]: `Batch ${id}` }, updateMask: [text] },
      }));
      await tenant.call(`batchUpdate${tenant.many}`, { batch: { items: changes, mode: 1 } });
      const missing = v7();
      const found = await tenant.call(`batchGet${tenant.many}`, {
        ids: [...ids, missing],
        filter: `${column} = "Batch ${ids[0]}"`,
      });
      expect(found[plural]).toMatchObject(ids.map((id) => ({ id, [text]: `Batch ${id}`, etag: '"2"' })));
      expect(found).toMatchObject({ missingIds: [missing], unmetIds: ids.slice(1) });
      await tenant.call(`batchDelete${tenant.many}`, { batch: { items: ids.map((id) => ({ id })), mode: 1 } });
      expect(await tenant.list({})).toEqual([]);
    });

    test('reserve their external ids until they are deleted', async () => {
      const externalIds = [{ system: 'erp', value: '4711' }];
      const first = await tenant.create(1, { externalIds });

      await expect(tenant.create(2, { externalIds })).rejects.toMatchObject({
        reason: 'EXTERNAL_ID_TAKEN',
        metadata: { [`${singular}Id`]: first.id },
      });
      expect((await tenant.list({ filter: 'external_ids:erp/4711' })).map(({ id }) => id)).toEqual([first.id]);
      await tenant.remove(first.id);
      await tenant.create(2, { externalIds });
      await expect(tenant.undelete(first.id)).rejects.toMatchObject({ reason: 'EXTERNAL_ID_TAKEN' });
    });

    test('are matched by the external id of an upsert', async () => {
      const externalIds = [{ system: 'erp', value: '4711' }];
      const upsert = (given: Answer) =>
        tenant.call(`upsert${tenant.single}`, { ...byExternalId, [singular]: tenant.record(1, given) });

      const first = await upsert({ externalIds });
      expect(first).toMatchObject({ created: true, [singular]: tenant.content(1) });
      expect(await upsert({ externalIds })).toEqual({ ...first, created: false });
      expect(await upsert({ externalIds, [text]: 'Changed' })).toMatchObject({
        ...{ created: false, [singular]: { id: (first[singular] as Message).id, [text]: 'Changed', etag: '"2"' } },
      });
      await expect(upsert({})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await tenant.list({})).toHaveLength(1);
    });

    test('can be read as of any time, and their changes are in history, feed and audit', async () => {
      const created = await tenant.create(1);
      const changed = await tenant.update(created.id, { [text]: 'Later' });
      await tenant.remove(created.id);

      expect(await tenant.get(created.id, tenant.caller, created.createTime)).toEqual(created);
      expect(await tenant.get(created.id, tenant.caller, changed['updateTime'] as string)).toEqual(changed);
      const { changes } = (await tenant.call(`list${tenant.single}History`, { id: created.id })) as {
        changes: Answer[];
      };
      expect(changes.map(({ version }) => version)).toEqual([3, 2, 1]);
      const feed = (await tenant.call('listChanges', { types: [type.table] })) as { changes: Answer[] };
      expect(feed.changes).toMatchObject([
        { type: type.table, recordId: created.id, after: { [text]: created[text] } },
        { changedFields: [text], before: { [text]: created[text] }, after: { [text]: 'Later' } },
        { changedFields: ['deleteTime'] },
      ]);
      const { entries } = (await tenant.call('listAuditEntries', {})) as { entries: { records: { name: string }[] }[] };
      expect(entries.flatMap(({ records }) => records.map(({ name }) => name))).toContain(
        `${type.table}/${created.id}`,
      );
    });

    test('are visible only to their owners, for callers with a narrow scope', async () => {
      const own: Caller = { ...tenant.caller, principalId: `user:${v7()}`, recordScope: 'OWN' };
      const other = await tenant.create(1);
      const mine = await tenant.create(2, {}, own);

      expect(mine['ownerId']).toBe(own.principalId.split(':')[1]);
      expect((await tenant.list({}, own)).map(({ id }) => id)).toEqual([mine.id]);
      await expect(tenant.get(other.id, own)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(tenant.remove(other.id, own)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect((await tenant.list({})).map(({ id }) => id).sort()).toEqual([other.id, mine.id].sort());
    });

    test('hide personal data from callers without access to it, and are not found by it', async () => {
      const { id } = await tenant.create(1, { [text]: 'Secret' });
      const blind: Caller = { ...tenant.caller, hidesPii: true };

      expect((await tenant.get(id, blind))[text]).toBe(maskText);
      for (const request of [{ filter: `${column} = secret` }, { orderBy: column }, { q: 'secret' }]) {
        await expect(tenant.list(request, blind)).rejects.toMatchObject({ reason: 'FIELD_HIDDEN' });
      }
      expect((await tenant.get(id))[text]).toBe('Secret');
    });

    test('refuse the fields that only the service sets, and name each', async () => {
      const values = Object.entries(await tenant.create(1));
      const names = type.contract.fields.filter(({ writable }) => writable === 'NEVER').map(({ name }) => name);
      const set = values.filter(([name, value]) => names.includes(name) && hasValue(value));
      const externalIds = [{ system: 'erp', value: '4711' }];
      const forged = { ...tenant.record(2, { externalIds }), ...Object.fromEntries(set) };
      const violations = set.map(([name]) => ({ field: `${singular}.${name}`, reason: 'OUTPUT_ONLY' }));
      const byField = (error: AppError) => Map.groupBy(error.violations, ({ field }) => field);

      expect(violations.map(({ field }) => field)).toContain(`${singular}.createdBy`);
      for (const [method, request] of [
        [`create${tenant.single}`, { [singular]: forged }],
        [`upsert${tenant.single}`, { ...byExternalId, [singular]: forged }],
      ] as const) {
        const error = await tenant.call(method, request).catch((thrown: AppError) => thrown);
        const found = byField(error as AppError);
        expect([...found.keys()].toSorted(), method).toEqual(violations.map(({ field }) => field).toSorted());
        for (const { field, reason } of violations) expect(found.get(field)).toMatchObject([{ reason }]);
      }
      const { results } = (await tenant.call(`batchCreate${tenant.many}`, {
        batch: { items: [{ [singular]: forged }, { [singular]: tenant.record(3) }], mode: 2 },
      })) as { results: Answer[] };
      expect(results[0]?.['problem']).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await tenant.list({})).toHaveLength(2);
    });

    test('report invalid fields', async () => {
      const { id } = await tenant.create(1);
      const refused = (field: string) => ({ code: 'INVALID_ARGUMENT', violations: [{ field }] });

      await expect(tenant.create(2, { [text]: 'x'.repeat(2_000) })).rejects.toMatchObject(
        refused(`${singular}.${text}`),
      );
      await expect(tenant.update(id, { createdBy: 'me' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(tenant.update(id, { [other]: 'x'.repeat(2_000) })).rejects.toMatchObject(
        refused(`${singular}.${other}`),
      );
      await expect(tenant.list({ filter: 'nothing = 1' })).rejects.toMatchObject(refused('filter'));
      await expect(tenant.list({ orderBy: other })).rejects.toMatchObject(refused('orderBy'));
      await expect(tenant.list({ pageToken: 'forged' })).rejects.toMatchObject(refused('pageToken'));
      await expect(tenant.call(`get${tenant.single}`, { id: 'no id' })).rejects.toMatchObject(refused('id'));
    });
  });
}
