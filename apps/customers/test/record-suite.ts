import { maskText } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { ExportFormat, UpsertMatch } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import { v7 } from 'uuid';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RecordType } from '../src/engine/fields/record-type.js';
import { filterFields } from '../src/engine/fields/filter-fields.js';
import { OperationTenant } from './operation-tenant.js';
import { newCaller, sharedCustomers, type SharedCustomers } from './running-customers.js';

type Message = Record<string, unknown> & { id: string; etag: string; createTime?: string };
type Answer = Record<string, unknown>;

/** Customers have several ways to match; others only this. */
const byExternalId = { match: UpsertMatch.EXTERNAL_ID, matchSystem: 'erp' };

/** What the suite has to know of a type of records. */
export interface SuiteSubject {
  type: RecordType;
  /** What records of a tenant need: it makes the content of the one with a number, different from all others. */
  prepare: (service: SharedCustomers, caller: Caller) => Promise<(number: number) => Answer>;
  /** JSON name of a text that is searched, has an order, and is personal data. */
  text: string;
  /** JSON name of a field that another update changes. */
  other: string;
}

/** What every type of records can do, through the service. */
export function recordSuite({ type, prepare, text, other }: SuiteSubject): void {
  const { singular, plural } = type;
  const single = singular.charAt(0).toUpperCase() + singular.slice(1);
  const many = plural.charAt(0).toUpperCase() + plural.slice(1);
  const column = text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  let service: SharedCustomers;
  let caller: Caller;
  let content: (number: number) => Answer;

  const call = (name: string, request: Answer, as = caller) =>
    service.call(name as 'getCustomer', request, as) as unknown as Promise<Answer>;
  const create = async (number: number, given: Answer = {}, as = caller) =>
    (await call(`create${single}`, { [singular]: recordWith(number, given) }, as)) as Message;
  const get = async (id: string, as = caller, asOf?: string) =>
    (await call(`get${single}`, { id, asOf }, as)) as Message;
  const update = async (id: string, changes: Answer, etag?: string) =>
    (await call(`update${single}`, {
      ...{ id, [singular]: { ...type.empty(), ...changes }, updateMask: Object.keys(changes), etag },
    })) as Message;
  const remove = (id: string) => call(`delete${single}`, { id });
  const page = async (request: Answer, as = caller) => call(`list${many}`, { pageSize: 200, ...request }, as);
  const list = async (request: Answer, as = caller) => (await page(request, as))[plural] as Message[];
  const recordWith = (number: number, given: Answer = {}) => ({ ...type.empty(), ...content(number), ...given });

  describe(`records of ${plural}`, () => {
    beforeAll(async () => {
      service = await sharedCustomers();
    }, 120_000);
    beforeEach(async () => {
      caller = newCaller();
      content = await prepare(service, caller);
    });

    test('are read as they were created, changed by who has seen them, deleted and brought back', async () => {
      const created = await create(1);
      expect(created).toMatchObject({ ...content(1), etag: '"1"', createdBy: caller.principalId });
      expect(await get(created.id)).toEqual(created);

      const updated = await update(created.id, { [text]: 'Changed' }, created.etag);
      expect(updated).toEqual({ ...created, [text]: 'Changed', etag: '"2"', updateTime: updated['updateTime'] });
      await expect(update(created.id, { [text]: 'Lost' }, created.etag)).rejects.toMatchObject({ code: 'ABORTED' });
      expect(await update(created.id, { [text]: 'Changed' })).toEqual(updated);

      await remove(created.id);
      await expect(get(created.id)).rejects.toMatchObject({ reason: `${type.constant}_NOT_FOUND` });
      expect(await list({ showDeleted: true })).toMatchObject([{ id: created.id }]);
      const back = (await call(`undelete${single}`, { id: created.id })) as Message;
      expect(back).toEqual({ ...updated, etag: '"4"', updateTime: back['updateTime'] });
      await expect(call(`undelete${single}`, { id: created.id })).rejects.toMatchObject({
        reason: `${type.constant}_NOT_DELETED`,
      });
    });

    test('are not there for another tenant', async () => {
      const { id } = await create(1);
      const stranger = newCaller();

      await expect(get(id, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await list({}, stranger)).toEqual([]);
      await expect(call(`delete${single}`, { id }, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('are created once for each idempotency key, and not at all when only validated', async () => {
      const request = { [singular]: recordWith(1), requestId: 'a key' };
      await call(`create${single}`, { ...request, validateOnly: true });
      const first = await call(`create${single}`, request);

      expect(await call(`create${single}`, request)).toEqual(first);
      expect(await list({})).toEqual([first]);
      await expect(call(`create${single}`, { ...request, [singular]: recordWith(2) })).rejects.toMatchObject({
        reason: 'IDEMPOTENCY_KEY_REUSED',
      });
    });

    test('are met once on a walk through all pages, while others are written', async () => {
      const still = new Set<string>();
      for (let number = 0; number < 30; number += 1) still.add((await create(number)).id);
      const moving = [await create(100), await create(101)];
      for (const orderBy of orders()) {
        const met: string[] = [];
        let pageToken: string | undefined;
        do {
          const answer: Answer = await page({ pageSize: 7, orderBy, pageToken });
          met.push(...(answer[plural] as Message[]).map(({ id }) => id));
          pageToken = answer['nextPageToken'] as string | undefined;
          await update(moving[0]!.id, { [text]: `Moving ${met.length} ${orderBy}` });
          await remove((await create(1_000 + met.length)).id);
        } while (pageToken !== undefined);
        expect(met.filter((id) => still.has(id)).sort(), orderBy).toEqual([...still].sort());
      }
    });

    test('are ordered by each of their orders, backwards too, and those without a value come last', async () => {
      for (let number = 0; number < 12; number += 1) await create(number);
      for (const orderBy of orders()) {
        const up = await list({ orderBy });
        const down = await list({ orderBy: `${orderBy} desc` });
        const valued = ({ [jsonName(orderBy)]: value }: Answer) => value !== undefined;
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

    test('may be asked whether they have a value by every filter, and the answer and its negation make all', async () => {
      for (let number = 0; number < 5; number += 1) await create(number);
      for (const name of filterFields(type).keys()) {
        const [having, lacking] = [await list({ filter: `${name}:*` }), await list({ filter: `NOT ${name}:*` })];
        expect(having.length + lacking.length, name).toBe(5);
      }
    });

    test('are found by words, counted and grouped', async () => {
      const { id } = await create(1, { [text]: 'Zephyr Analytical' });
      for (let number = 2; number < 5; number += 1) await create(number);

      expect((await list({ q: 'analyt zephyr' })).map((found) => found.id)).toEqual([id]);
      expect(await page({ pageSize: 1, total: 3 })).toMatchObject({ totalSize: 4 });
      for (const { name, field } of type.namedFields.filter((named) => named.field.index.group)) {
        const { total, groups } = (await call(`aggregate${many}`, { groupBy: [name] })) as {
          total: { count: number };
          groups: { count: number }[];
        };
        expect(total.count).toBe(4);
        const counted = groups.reduce((sum, { count }) => sum + count, 0);
        if (field.desc.fieldKind !== 'list') expect(counted, name).toBe(4);
      }
    });

    test('are written together, those that are wrong told apart', async () => {
      const items = [1, 2, 3].map((number) => ({ [singular]: recordWith(number) }));
      const wrong = { [singular]: { ...type.empty(), [text]: '' } };
      const batch = { items: [...items, wrong], mode: 2 };

      const { results } = (await call(`batchCreate${many}`, { batch })) as { results: Answer[] };
      expect(results.map(({ problem }) => (problem as { code: string } | undefined)?.code)).toEqual([
        ...[undefined, undefined, undefined, 'INVALID_ARGUMENT'],
      ]);
      await expect(call(`batchCreate${many}`, { batch: { ...batch, mode: 1 } })).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      const ids = results.slice(0, 3).map((result) => (result[singular] as Message).id);
      const changes = ids.map((id) => ({
        ...{ id, [singular]: { ...type.empty(), [text]: `Batch ${id}` }, updateMask: [text] },
      }));
      await call(`batchUpdate${many}`, { batch: { items: changes, mode: 1 } });
      const missing = v7();
      const found = await call(`batchGet${many}`, { ids: [...ids, missing], filter: `${column} = "Batch ${ids[0]}"` });
      expect(found[plural]).toMatchObject(ids.map((id) => ({ id, [text]: `Batch ${id}`, etag: '"2"' })));
      expect(found).toMatchObject({ missingIds: [missing], unmetIds: ids.slice(1) });
      await call(`batchDelete${many}`, { batch: { items: ids.map((id) => ({ id })), mode: 1 } });
      expect(await list({})).toEqual([]);
    });

    test('keep their external ids from others until they are deleted', async () => {
      const externalIds = [{ system: 'erp', value: '4711' }];
      const first = await create(1, { externalIds });

      await expect(create(2, { externalIds })).rejects.toMatchObject({
        reason: 'EXTERNAL_ID_TAKEN',
        metadata: { [`${singular}Id`]: first.id },
      });
      expect((await list({ filter: 'external_ids:erp/4711' })).map(({ id }) => id)).toEqual([first.id]);
      await remove(first.id);
      await create(2, { externalIds });
      await expect(call(`undelete${single}`, { id: first.id })).rejects.toMatchObject({ reason: 'EXTERNAL_ID_TAKEN' });
    });

    test('are met again by the external id that an upsert names', async () => {
      const externalIds = [{ system: 'erp', value: '4711' }];
      const upsert = (given: Answer) => call(`upsert${single}`, { ...byExternalId, [singular]: recordWith(1, given) });

      const first = await upsert({ externalIds });
      expect(first).toMatchObject({ created: true, [singular]: content(1) });
      expect(await upsert({ externalIds })).toEqual({ ...first, created: false });
      expect(await upsert({ externalIds, [text]: 'Changed' })).toMatchObject({
        ...{ created: false, [singular]: { id: (first[singular] as Message).id, [text]: 'Changed', etag: '"2"' } },
      });
      await expect(upsert({})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await list({})).toHaveLength(1);
    });

    test('leave as a file that changes nothing when it comes back, and what a changed file does is undone', async () => {
      const externalIds = [{ system: 'erp', value: '4711' }];
      const [first, second] = [await create(1), await create(2, { externalIds })];
      const operations = await OperationTenant.create(service, caller);
      const run = (rows: Answer[]) => {
        const data = rows.map((row) => JSON.stringify(row)).join('\n');
        return operations.run(data, { contentType: 'application/x-ndjson', recordType: singular });
      };
      try {
        const rows = await exported();
        expect(rows.map(({ id }) => id)).toEqual([first.id, second.id]);
        expect((await run(rows)).counts).toMatchObject({ rows: 2, unchanged: 2, failed: 0 });

        const copy = Object.fromEntries(Object.keys(content(1)).map((name) => [name, rows[0]![name]]));
        const changed = await run([
          { ...copy, id: first.id, [text]: 'From a file' },
          { ...copy, [text]: 'New', externalIds: [{ system: 'erp', value: '4712' }] },
        ]);
        expect(changed.counts).toMatchObject({ rows: 2, created: 1, updated: 1, failed: 0 });
        const named = async () => (await list({})).map((record) => record[text]).sort();
        expect(await named()).toEqual([second[text], 'From a file', 'New'].sort());
        expect(await list({ filter: 'external_ids:erp/4712' })).toMatchObject([{ [text]: 'New' }]);

        expect(await operations.undo(changed.id)).toMatchObject({ counts: { undone: 2 } });
        expect(await named()).toEqual([first[text], second[text]]);
        const { updateTime: _, ...kept } = first;
        expect(await get(first.id)).toMatchObject({ ...kept, etag: '"3"' });
      } finally {
        await operations.close();
      }
    });

    test('are as they were at any time, and their changes are listed, fed and audited', async () => {
      const created = await create(1);
      const changed = await update(created.id, { [text]: 'Later' });
      await remove(created.id);

      expect(await get(created.id, caller, created.createTime)).toEqual(created);
      expect(await get(created.id, caller, changed['updateTime'] as string)).toEqual(changed);
      const { changes } = (await call(historyOf(single), { id: created.id })) as { changes: Answer[] };
      expect(changes.map(({ version }) => version)).toEqual([3, 2, 1]);
      const feed = (await call('listChanges', { types: [type.table] })) as { changes: Answer[] };
      expect(feed.changes).toMatchObject([
        { type: type.table, recordId: created.id, after: { [text]: created[text] } },
        { changedFields: [text], before: { [text]: created[text] }, after: { [text]: 'Later' } },
        { changedFields: ['deleteTime'] },
      ]);
      const { entries } = (await call('listAuditEntries', {})) as { entries: { records: { name: string }[] }[] };
      expect(entries.flatMap(({ records }) => records.map(({ name }) => name))).toContain(
        `${type.table}/${created.id}`,
      );
    });

    test('are seen by their owners only, for callers with a narrow scope', async () => {
      const own: Caller = { ...caller, principalId: `user:${v7()}`, recordScope: 'OWN' };
      const other = await create(1);
      const mine = await create(2, {}, own);

      expect(mine['ownerId']).toBe(own.principalId.split(':')[1]);
      expect((await list({}, own)).map(({ id }) => id)).toEqual([mine.id]);
      await expect(get(other.id, own)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(call(`delete${single}`, { id: other.id }, own)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect((await list({})).map(({ id }) => id).sort()).toEqual([other.id, mine.id].sort());
    });

    test('hide personal data from callers who may not see it, and are not found by it', async () => {
      const { id } = await create(1, { [text]: 'Secret' });
      const blind: Caller = { ...caller, hidesPii: true };

      expect((await get(id, blind))[text]).toBe(maskText);
      for (const request of [{ filter: `${column} = secret` }, { orderBy: column }, { q: 'secret' }]) {
        await expect(list(request, blind)).rejects.toMatchObject({ reason: 'FIELD_HIDDEN' });
      }
      expect((await get(id))[text]).toBe('Secret');
    });

    test('refuse what is wrong, and name it', async () => {
      const { id } = await create(1);
      const refused = (field: string) => ({ code: 'INVALID_ARGUMENT', violations: [{ field }] });

      await expect(create(2, { [text]: 'x'.repeat(2_000) })).rejects.toMatchObject(refused(`${singular}.${text}`));
      await expect(update(id, { createdBy: 'me' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await expect(update(id, { [other]: 'x'.repeat(2_000) })).rejects.toMatchObject(refused(`${singular}.${other}`));
      await expect(list({ filter: 'nothing = 1' })).rejects.toMatchObject(refused('filter'));
      await expect(list({ orderBy: other })).rejects.toMatchObject(refused('orderBy'));
      await expect(list({ pageToken: 'forged' })).rejects.toMatchObject(refused('pageToken'));
      await expect(call(`get${single}`, { id: 'no id' })).rejects.toMatchObject(refused('id'));
    });
  });

  async function exported(): Promise<Answer[]> {
    const options = { context: service.outgoing(caller), deadlineMs: 20_000 };
    const pieces: Uint8Array[] = [];
    const request = { format: ExportFormat.NDJSON, columns: [] };
    for await (const piece of service.streams.stream(type.method('export').path, request, options)) {
      pieces.push((piece as HttpBody).data);
    }
    const lines = Buffer.concat(pieces).toString().trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Answer);
  }

  function orders(): string[] {
    return type.contract.fields.flatMap(({ column: name, index }) =>
      index.order === FieldOrder.UNSPECIFIED ? [] : [name],
    );
  }
}

function historyOf(single: string): string {
  return `list${single}History`;
}

function jsonName(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
