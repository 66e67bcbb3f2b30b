import { describe, expect, test } from 'vitest';
import type { WriteItem } from '../../src/connectors/connector.js';
import type { JsonObject, RecordKey } from '../../src/connectors/peer-record.js';
import type { Ability } from './conformance-peer.js';
import { expectRefused, type ConformanceRun } from './conformance-run.js';

type Has = (ability: Ability) => boolean;

/** Tests of what goes to the peer. @param current gives the run of the test that asks */
export function declareWriteTests(current: () => ConformanceRun, has: Has): void {
  describe('create', () => declareCreateTests(current, has));
  describe('update', () => declareUpdateTests(current, has));
  describe('delete', () => declareDeleteTests(current, has));
}

function declareCreateTests(current: () => ConformanceRun, has: Has): void {
  const item = (key: string, name: string): WriteItem => ({
    kind: 'CREATE',
    key,
    fields: current().real.fields(name),
  });

  if (!has('create')) {
    test('is refused', async () => {
      const run = current();
      await expectRefused(() => run.write(item('key-1', 'Ada')));
      expect(await run.real.names()).toEqual([]);
    });
    return;
  }

  test('makes one record for a key, however often and in whatever company it is sent', async () => {
    const run = current();
    const [first] = await run.write(item('key-1', 'Ada'));
    expect(first).toMatchObject({ kind: 'WRITTEN' });
    const again = await run.write(item('key-2', 'Grace'), item('key-1', 'Ada'));
    expect(again.map(({ kind }) => kind === 'WRITTEN' || kind === 'CONFLICT')).toEqual([true, true]);
    expect(again[1]).toMatchObject({ id: first && 'id' in first ? first.id : '' });
    expect((await run.real.names()).sort()).toEqual(['Ada', 'Grace']);
  });

  test('sent twice at once makes one record', async () => {
    const run = current();
    const results = await Promise.all([run.write(item('key-1', 'Ada')), run.write(item('key-1', 'Ada'))]);
    const ids = results.flat().map((result) => ('id' in result ? result.id : ''));
    expect(ids[0]).toBe(ids[1]);
    expect(await run.real.names()).toEqual(['Ada']);
  });

  test('with a key that has other content shows what is there', async () => {
    const run = current();
    const [first] = await run.write(item('key-1', 'Ada'));
    const [second] = await run.write(item('key-1', 'Grace'));
    expect(second).toMatchObject({ kind: 'CONFLICT', id: first && 'id' in first ? first.id : '' });
    expect(run.nameOf(second?.kind === 'CONFLICT' ? second.current : undefined)).toBe('Ada');
    expect(await run.real.names()).toEqual(['Ada']);
  });

  if (!has('update')) return;
  test('answers the version that a read gives', async () => {
    const run = current();
    const [written] = await run.write(item('key-1', 'Ada'));
    expect(written).toEqual({ kind: 'WRITTEN', ...(await run.keys())[0] });
  });
}

function declareUpdateTests(current: () => ConformanceRun, has: Has): void {
  const item = ({ id, version }: RecordKey, fields: JsonObject): WriteItem => ({
    kind: 'UPDATE',
    id,
    expectedVersion: version,
    fields,
  });

  if (!has('update')) {
    test('is refused', async () => {
      const run = current();
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      await expectRefused(() => run.write(item(before, { [run.real.nameField]: 'Ada Lovelace' })));
      expect(await run.one(id)).toEqual(before);
    });
    return;
  }

  test('changes the named field and answers the new version', async () => {
    const run = current();
    const [id = ''] = await run.real.add(['Ada']);
    const before = await run.existing(id);
    const [result] = await run.write(item(before, { [run.real.nameField]: 'Ada Lovelace' }));
    const after = await run.existing(id);
    expect(result).toEqual({ kind: 'WRITTEN', id, version: after.version });
    expect(after.version).not.toBe(before.version);
    expect(run.nameOf(after)).toBe('Ada Lovelace');
    expect(await run.real.names()).toEqual(['Ada Lovelace']);
  });

  test('of a record that is gone is refused', async () => {
    const run = current();
    const [id = ''] = await run.real.add(['Ada']);
    const before = await run.existing(id);
    await run.real.remove(id);
    expect(await run.write(item(before, { [run.real.nameField]: 'Stale' }))).toEqual([{ kind: 'CONFLICT', id }]);
    expect(await run.real.names()).toEqual([]);
  });

  test('keeps what the connector has no field for', async () => {
    const run = current();
    const [id = ''] = await run.real.add(['Ada']);
    await run.real.addUnknown?.(id);
    const [result] = await run.write(item(await run.existing(id), { [run.real.nameField]: 'Ada Lovelace' }));
    expect(result).toMatchObject({ kind: 'WRITTEN' });
    expect(await run.real.hasUnknown?.(id)).toBe(true);
  });

  test('with a field that does not exist is rejected by name, and the others are done', async () => {
    const run = current();
    const [first = '', second = ''] = await run.real.add(['Ada', 'Grace']);
    const results = await run.write(
      item(await run.existing(first), { no_such_field: 'x' }),
      item(await run.existing(second), { [run.real.nameField]: 'Grace Hopper' }),
    );
    expect(results).toMatchObject([{ kind: 'REJECTED', issues: [{ field: 'no_such_field' }] }, { kind: 'WRITTEN' }]);
    expect((await run.real.names()).sort()).toEqual(['Ada', 'Grace Hopper']);
  });

  if (!has('preconditions')) return;
  test('of a record that was edited since is refused, and returns the edit', async () => {
    const run = current();
    const [id = ''] = await run.real.add(['Ada']);
    const before = await run.existing(id);
    await run.real.edit(id, 'Edited');
    const [result] = await run.write(item(before, { [run.real.nameField]: 'Stale' }));
    expect(result).toEqual({ kind: 'CONFLICT', id, current: await run.existing(id) });
    expect(await run.real.names()).toEqual(['Edited']);
  });

  test('twice at once with one version succeeds once', async () => {
    const run = current();
    const [id = ''] = await run.real.add(['Ada']);
    const before = await run.existing(id);
    const results = await Promise.all(
      ['One', 'Two', 'Three'].map((name) => run.write(item(before, { [run.real.nameField]: name }))),
    );
    expect(results.flat().filter(({ kind }) => kind === 'WRITTEN')).toHaveLength(1);
    expect(results.flat().every(({ kind }) => ['WRITTEN', 'CONFLICT', 'RETRY_LATER'].includes(kind))).toBe(true);
  });
}

function declareDeleteTests(current: () => ConformanceRun, has: Has): void {
  const item = ({ id, version }: RecordKey): WriteItem => ({ kind: 'DELETE', id, expectedVersion: version });

  if (!has('delete')) {
    test('is refused', async () => {
      const run = current();
      const [id = ''] = await run.real.add(['Ada']);
      const before = await run.existing(id);
      await expectRefused(() => run.write(item(before)));
      expect(await run.real.names()).toEqual(['Ada']);
    });
    return;
  }

  test('removes the record, also when it is sent again', async () => {
    const run = current();
    const [id = ''] = await run.real.add(['Ada']);
    const before = await run.existing(id);
    expect(await run.write(item(before))).toEqual([{ kind: 'WRITTEN', id }]);
    expect(await run.write(item(before))).toEqual([{ kind: 'WRITTEN', id }]);
    expect([await run.real.names(), await run.one(id), await run.keys()]).toEqual([[], undefined, []]);
  });

  test('of a record that was edited since is refused, and returns the edit', async () => {
    const run = current();
    const [id = ''] = await run.real.add(['Ada']);
    const before = await run.existing(id);
    await run.real.edit(id, 'Edited');
    expect(await run.write(item(before))).toEqual([{ kind: 'CONFLICT', id, current: await run.existing(id) }]);
    expect(await run.real.names()).toEqual(['Edited']);
  });
}
