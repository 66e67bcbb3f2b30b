import { describe, expect, test } from 'vitest';
import type { Page } from '../../src/connectors/connector.js';
import {
  allItems,
  byId,
  collect,
  deletedIds,
  expectFailure,
  lastCursor,
  names,
  recordIds,
  records,
  type ConformanceRun,
} from './conformance-run.js';
import type { Ability } from './conformance-peer.js';

/** Tests of what comes from the peer. @param current gives the run of the test that asks */
export function declareReadTests(current: () => ConformanceRun, has: (ability: Ability) => boolean): void {
  describe('read', () => {
    test('gives a cursor even where there is nothing to read', async () => {
      const run = current();
      const pages = await run.read();
      expect(pages.flatMap(({ items }) => items)).toEqual([]);
      expect(pages.at(-1)?.cursor).toBeTypeOf('string');
    });

    test('gives every record once, in pages of the size that was asked for', async () => {
      const run = current();
      const ids = await run.real.add(names(25));
      const pages = await run.read({ pageSize: 10 });
      expect(pages.every(({ items }) => items.length <= 10)).toBe(true);
      expect(pages.filter(({ items }) => items.length > 0)).toHaveLength(3);
      expect(recordIds(pages).sort()).toEqual([...ids].sort());
      expect(
        records(pages)
          .map((record) => run.nameOf(record))
          .sort(),
      ).toEqual(names(25));
    });

    test('gives records of one moment once each, whatever the size of a page', async () => {
      const run = current();
      const ids = await run.real.add(names(7));
      for (const pageSize of [1, 2, 3, 7, 8])
        expect(recordIds(await run.read({ pageSize })).sort()).toEqual([...ids].sort());
    });

    test('goes on from every cursor as if it had not stopped', async () => {
      const run = current();
      await run.real.add(names(10));
      const pages = await run.read({ pageSize: 3 });
      for (const [index, { cursor }] of pages.entries()) {
        expect(recordIds(await run.read({ cursor, pageSize: 4 }))).toEqual(recordIds(pages.slice(index + 1)));
      }
    });

    test('has nothing new when nothing changed', async () => {
      const run = current();
      await run.real.add(names(3));
      const cursor = lastCursor(await run.read());
      expect(allItems(await run.read({ cursor }))).toEqual([]);
      expect(allItems(await run.read({ cursor: lastCursor(await run.read({ cursor })) }))).toEqual([]);
    });

    const since = has('incremental') ? 'gives what changed since' : 'refuses to say what changed';
    test(`from the last cursor ${since}`, async () => {
      const run = current();
      const [first = '', second = ''] = await run.real.add(names(5));
      const cursor = lastCursor(await run.read({ pageSize: 2 }));
      await run.real.edit(first, 'Edited');
      await run.real.remove(second);
      const [added = ''] = await run.real.add(['Added']);
      if (!has('incremental')) return expectFailure('CURSOR_EXPIRED', () => run.read({ cursor }));

      const pages = await run.read({ cursor, pageSize: 2 });
      expect(recordIds(pages).sort()).toEqual([first, added].sort());
      expect(
        records(pages)
          .map((record) => run.nameOf(record))
          .sort(),
      ).toEqual(['Added', 'Edited']);
      expect(deletedIds(pages)).toEqual(run.capabilities.deletes === 'TOMBSTONES' ? [second] : []);
      expect((await run.keys()).map(({ id }) => id)).not.toContain(second);
      expect(allItems(await run.read({ cursor: lastCursor(pages) }))).toEqual([]);
    });

    test(has('incremental') ? 'misses nothing that changes while it runs' : 'ends when something changes', async () => {
      const run = current();
      const ids = await run.real.add(names(9));
      const running = run.peer
        .read({ recordType: run.real.recordType, pageSize: 3, signal: run.signal })
        [Symbol.asyncIterator]();
      const first = (await running.next()).value as Page;
      const [read1 = ''] = recordIds([first]);
      const unread = ids.find((id) => !recordIds([first]).includes(id)) ?? '';
      await run.real.edit(read1, 'Edited after it was read');
      await run.real.edit(unread, 'Edited before it was read');
      const [added = ''] = await run.real.add(['Added meanwhile']);
      const rest = async () => collect({ [Symbol.asyncIterator]: () => running });
      if (!has('incremental')) {
        const goOn = async () => run.read({ cursor: lastCursor([first, ...(await rest())]) });
        return expectFailure('CURSOR_EXPIRED', goOn);
      }
      const pages = [first, ...(await rest())];
      const seen = [...pages, ...(await run.read({ cursor: lastCursor(pages) }))];
      const newest = new Map(records(seen).map((record) => [record.id, run.nameOf(record)]));
      expect(newest.get(read1)).toBe('Edited after it was read');
      expect(newest.get(unread)).toBe('Edited before it was read');
      expect(newest.get(added)).toBe('Added meanwhile');
      expect([...newest.keys()].sort()).toEqual([...ids, added].sort());
    });

    test('refuses a cursor that is not its own', async () => {
      const run = current();
      for (const cursor of ['', 'other-1.e30', 'x']) await expectFailure('CURSOR_EXPIRED', () => run.read({ cursor }));
    });

    test('refuses a type of records that there is not', async () => {
      const run = current();
      await expectFailure('SCHEMA_CHANGED', () =>
        collect(run.peer.read({ recordType: 'nothing', signal: run.signal })),
      );
      await expectFailure('SCHEMA_CHANGED', () => run.peer.readOne('nothing', 'x', run.signal));
      await expectFailure('SCHEMA_CHANGED', () =>
        run.peer.write({ recordType: 'nothing', items: [], signal: run.signal }),
      );
    });
  });

  describe('keys', () => {
    test('are those of all records, with the versions that a read gives', async () => {
      const run = current();
      await run.real.add(names(8));
      const expected = records(await run.read()).map(({ id, version }) => ({ id, version }));
      expect((await run.keys()).sort(byId)).toEqual(expected.sort(byId));
    });

    test('have another version after an edit, and the one before for the others', async () => {
      const run = current();
      await run.real.add(names(2));
      const before = await run.keys();
      const [edited] = before;
      await run.real.edit(edited?.id ?? '', 'Edited');
      const after = await run.keys();
      const stayed = after.filter((key) => before.some(({ id, version }) => id === key.id && version === key.version));
      expect(after).toHaveLength(2);
      expect(stayed).toHaveLength(1);
    });
  });

  describe('one record', () => {
    test('is the same as in a read', async () => {
      const run = current();
      const [id = ''] = await run.real.add(['Ada']);
      expect(await run.one(id)).toEqual(records(await run.read())[0]);
    });

    test('that is not there is none', async () => {
      const run = current();
      await run.real.add(names(2));
      for (const id of ['nothing', '0', '999999999', '../x', 'a/b', '']) expect(await run.one(id)).toBeUndefined();
    });
  });
}
