import { describe, expect, test } from 'vitest';
import type { WriteItem } from '../../src/connectors/connector.js';
import type { JsonObject, RecordKey } from '../../src/connectors/peer-record.js';
import { expectRefused, type ConformanceRun } from './conformance-run.js';

/** Tests of what goes to the peer. @param current gives the run of the test that asks */
export function declareWriteTests(current: () => ConformanceRun): void {
  describe('create', () => {
    const item = (key: string, name: string): WriteItem => ({
      kind: 'CREATE',
      key,
      fields: current().real.fields(name),
    });

    test('makes one record for a key, however often and in whatever company it is sent, or is refused', async () => {
      const run = current();
      if (!run.capabilities.create) {
        await expectRefused(() => run.write(item('key-1', 'Ada')));
        return expect(await run.real.names()).toEqual([]);
      }
      const [first] = await run.write(item('key-1', 'Ada'));
      expect(first).toMatchObject({ kind: 'WRITTEN' });
      const again = await run.write(item('key-2', 'Grace'), item('key-1', 'Ada'));
      expect(again.map(({ kind }) => kind === 'WRITTEN' || kind === 'CONFLICT')).toEqual([true, true]);
      expect(again[1]).toMatchObject({ id: first && 'id' in first ? first.id : '' });
      expect((await run.real.names()).sort()).toEqual(['Ada', 'Grace']);
    });

    test('sent twice at once makes one record', async () => {
      const run = current();
      if (!run.capabilities.create) return;
      const results = await Promise.all([run.write(item('key-1', 'Ada')), run.write(item('key-1', 'Ada'))]);
      const ids = results.flat().map((result) => ('id' in result ? result.id : ''));
      expect(ids[0]).toBe(ids[1]);
      expect(await run.real.names()).toEqual(['Ada']);
    });

    test('with a key that has other content shows what is there', async () => {
      const run = current();
      if (!run.capabilities.create) return;
      const [first] = await run.write(item('key-1', 'Ada'));
      const [second] = await run.write(item('key-1', 'Grace'));
      expect(second).toMatchObject({ kind: 'CONFLICT', id: first && 'id' in first ? first.id : '' });
      expect(run.nameOf(second?.kind === 'CONFLICT' ? second.current : undefined)).toBe('Ada');
      expect(await run.real.names()).toEqual(['Ada']);
    });

    test('answers the version that a read gives', async () => {
      const run = current();
      if (!run.capabilities.create || !run.capabilities.update) return;
      const [written] = await run.write(item('key-1', 'Ada'));
      expect(written).toEqual({ kind: 'WRITTEN', ...(await run.keys())[0] });
    });
  });

  describe('update', () => {
    const item = ({ id, version }: RecordKey, fields: JsonObject): WriteItem => ({
      kind: 'UPDATE',
      id,
      expectedVersion: version,
      fields,
    });

    test('changes the named field and answers the new version, or is refused', async () => {
      const run = current();
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      const update = () => run.write(item(before, { [run.real.nameField]: 'Ada Lovelace' }));
      if (!run.capabilities.update) {
        await expectRefused(update);
        return expect(await run.one(id)).toEqual(before);
      }
      const [result] = await update();
      const after = await run.existing(id);
      expect(result).toEqual({ kind: 'WRITTEN', id, version: after.version });
      expect(after.version).not.toBe(before.version);
      expect(run.nameOf(after)).toBe('Ada Lovelace');
      expect(await run.real.names()).toEqual(['Ada Lovelace']);
    });

    test('of a record that somebody edited since is refused, and shows the edit', async () => {
      const run = current();
      if (!run.capabilities.preconditions) return;
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      await run.real.edit(id, 'Edited');
      const [result] = await run.write(item(before, { [run.real.nameField]: 'Stale' }));
      expect(result).toEqual({ kind: 'CONFLICT', id, current: await run.existing(id) });
      expect(await run.real.names()).toEqual(['Edited']);
    });

    test('of a record that is gone is refused', async () => {
      const run = current();
      if (!run.capabilities.update) return;
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      await run.real.remove(id);
      expect(await run.write(item(before, { [run.real.nameField]: 'Stale' }))).toEqual([{ kind: 'CONFLICT', id }]);
      expect(await run.real.names()).toEqual([]);
    });

    test('twice at once with one version succeeds once', async () => {
      const run = current();
      if (!run.capabilities.preconditions) return;
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      const results = await Promise.all(
        ['One', 'Two', 'Three'].map((name) => run.write(item(before, { [run.real.nameField]: name }))),
      );
      expect(results.flat().filter(({ kind }) => kind === 'WRITTEN')).toHaveLength(1);
      expect(results.flat().every(({ kind }) => ['WRITTEN', 'CONFLICT', 'RETRY_LATER'].includes(kind))).toBe(true);
    });

    test('keeps what the connector has no field for', async () => {
      const run = current();
      if (!run.capabilities.update) return;
      const [id = ''] = await run.real.add(['Ada']);
      await run.real.addUnknown?.(id);
      const [result] = await run.write(item(await run.existing(id), { [run.real.nameField]: 'Ada Lovelace' }));
      expect(result).toMatchObject({ kind: 'WRITTEN' });
      expect(await run.real.hasUnknown?.(id)).toBe(true);
    });

    test('with a field that does not exist is rejected by name, and the others are done', async () => {
      const run = current();
      if (!run.capabilities.update) return;
      const [first = '', second = ''] = await run.real.add(['Ada', 'Grace']);
      const results = await run.write(
        item(await run.existing(first), { no_such_field: 'x' }),
        item(await run.existing(second), { [run.real.nameField]: 'Grace Hopper' }),
      );
      expect(results).toMatchObject([{ kind: 'REJECTED', issues: [{ field: 'no_such_field' }] }, { kind: 'WRITTEN' }]);
      expect((await run.real.names()).sort()).toEqual(['Ada', 'Grace Hopper']);
    });
  });

  describe('delete', () => {
    const item = ({ id, version }: RecordKey): WriteItem => ({ kind: 'DELETE', id, expectedVersion: version });

    test('removes the record, also when it is sent again, or is refused', async () => {
      const run = current();
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      if (!run.capabilities.delete) {
        await expectRefused(() => run.write(item(before)));
        return expect(await run.real.names()).toEqual(['Ada']);
      }
      expect(await run.write(item(before))).toEqual([{ kind: 'WRITTEN', id }]);
      expect(await run.write(item(before))).toEqual([{ kind: 'WRITTEN', id }]);
      expect([await run.real.names(), await run.one(id), await run.keys()]).toEqual([[], undefined, []]);
    });

    test('of a record that somebody edited since is refused, and shows the edit', async () => {
      const run = current();
      if (!run.capabilities.delete) return;
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      await run.real.edit(id, 'Edited');
      expect(await run.write(item(before))).toEqual([{ kind: 'CONFLICT', id, current: await run.existing(id) }]);
      expect(await run.real.names()).toEqual(['Edited']);
    });
  });
}
