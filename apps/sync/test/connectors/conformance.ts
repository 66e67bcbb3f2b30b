import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectorError } from '../../src/connectors/connector-error.js';
import type { WriteItem, WriteResult } from '../../src/connectors/connector.js';
import type { Ability, ConformancePeer } from './conformance-peer.js';
import { declareReadTests } from './conformance-read.js';
import { collect, ConformanceRun, failure, names, recordIds } from './conformance-run.js';
import { declareWriteTests } from './conformance-write.js';

/**
 * Declares the tests that every connector passes.
 *
 * @param create makes a fresh collection, called before each test
 * @param lacks what the connector, or this peer of it, can't do: what it then has to refuse is tested instead
 */
export function describeConformance(
  title: string,
  create: () => Promise<ConformancePeer>,
  lacks: readonly Ability[] = [],
): void {
  const has = (ability: Ability) => !lacks.includes(ability);
  describe(title, () => {
    let run: ConformanceRun;
    beforeEach(async () => {
      run = await ConformanceRun.start(await create());
    });
    afterEach(() => run.real.stop());

    describe('description', () => {
      test('says what a record has, and marks what is secret', async () => {
        await run.real.add(['Ada']);
        const [type] = (await run.peer.describe(run.signal)).recordTypes;
        const fieldNames = type?.fields.map(({ name }) => name) ?? [];
        expect(new Set(fieldNames).size).toBe(fieldNames.length);
        expect(type?.fields).toContainEqual(
          expect.objectContaining({ name: run.real.nameField, writable: run.capabilities.create }),
        );
        const { properties, required } = run.real.connector.description.configurationSchema;
        expect(Object.keys(properties)).toEqual(expect.arrayContaining(required));
        for (const [name, { writeOnly }] of Object.entries(properties))
          expect([name, writeOnly]).toEqual([name, isSecret(name)]);
        const of = (mark: 'writeOnly' | 'destination') => Object.values(properties).some((field) => field[mark]);
        // A secret has a destination, which can be changed.
        expect(of('destination')).toBe(of('writeOnly'));
      });

      test('says that it has what is tested here, and nothing else', () => {
        const { real } = run;
        const { connector } = real;
        const { create, update, delete: remove, preconditions, incremental } = run.capabilities;
        const { webhooks } = connector.description;
        const said = {
          create,
          update,
          delete: remove,
          preconditions,
          incremental,
          webhooks,
          limit: 'limit' in real,
        };
        expect(Object.entries(said).filter(([ability, isThere]) => isThere !== has(ability as Ability))).toEqual([]);
        const functions = ['verifyWebhook' in connector, 'parseWebhook' in connector, 'deliver' in real];
        expect(functions).toEqual([webhooks, webhooks, webhooks]);
      });
    });

    describe('configuration', () => {
      test('that works passes the check', async () => {
        await expect(run.peer.check(run.signal)).resolves.toBeUndefined();
      });

      test('that does not work is refused with the field to look at, and without its secrets', async () => {
        for (const { change, field } of run.real.wrong) {
          const configuration = { ...run.real.configuration, ...change };
          const error = await failure(async () =>
            run.real.connector.connect(configuration, run.real.environment).check(run.signal),
          );
          expect(error.violations.map((violation) => violation.field)).toContain(field);
          const text = JSON.stringify([error.message, error.violations]);
          for (const [name, value] of Object.entries(configuration)) {
            if (isSecret(name)) expect(text).not.toContain(value);
          }
        }
      });

      test('with a field that is unknown is refused', async () => {
        const configuration = { ...run.real.configuration, unknown: 1 };
        const error = await failure(async () => run.real.connector.connect(configuration, run.real.environment));
        expect(error.violations).toMatchObject([{ field: '/unknown', reason: 'UNKNOWN_FIELD' }]);
      });
    });

    declareReadTests(() => run, has);
    declareWriteTests(() => run, has);

    if (has('webhooks')) {
      describe('webhooks', () => {
        test('are accepted with a valid signature, and name the records to read again', async () => {
          const { connector, configuration, recordType, deliver } = run.real;
          const delivery = deliver?.(['1', '2']) ?? expect.fail('The peer sends no webhooks.');
          const verified = connector.verifyWebhook?.(configuration, delivery);
          expect(verified?.deliveryId).toBeTypeOf('string');
          expect(connector.verifyWebhook?.(configuration, delivery)).toEqual(verified);
          expect(connector.parseWebhook?.(delivery)).toEqual(['1', '2'].map((id) => ({ recordType, id })));
          for (const forged of [
            { ...delivery, body: Buffer.from('{}') },
            { ...delivery, headers: {} },
          ]) {
            const error = await failure(async () => connector.verifyWebhook?.(configuration, forged));
            expect(error.reason).toBe('UNAUTHORISED');
          }
        });
      });
    }

    describe('cancelling', () => {
      test('ends a call before it begins, while it runs and between pages, with the reason given', async () => {
        await run.real.add(names(6));
        const reason = new Error('enough');
        const aborted = AbortSignal.abort(reason);
        await expect(run.peer.check(aborted)).rejects.toBe(reason);
        await expect(run.peer.describe(aborted)).rejects.toBe(reason);
        await expect(run.peer.readOne(run.real.recordType, 'x', aborted)).rejects.toBe(reason);
        await expect(collect(run.peer.read({ recordType: run.real.recordType, signal: aborted }))).rejects.toBe(reason);
        await expect(collect(run.peer.readKeys({ recordType: run.real.recordType, signal: aborted }))).rejects.toBe(
          reason,
        );

        const early = new AbortController();
        const running = collect(run.peer.read({ recordType: run.real.recordType, pageSize: 2, signal: early.signal }));
        early.abort(reason);
        await expect(running).rejects.toBe(reason);

        const between = new AbortController();
        const pages = run.peer
          .read({ recordType: run.real.recordType, pageSize: 2, signal: between.signal })
          [Symbol.asyncIterator]();
        await pages.next();
        between.abort(reason);
        await expect(pages.next()).rejects.toBe(reason);
      });

      if (has('create')) {
        test('writes nothing after it', async () => {
          const items: WriteItem[] = [{ kind: 'CREATE', key: 'key-1', fields: run.real.fields('Ada') }];
          const aborted = AbortSignal.abort(new Error('enough'));
          await expect(run.peer.write({ recordType: run.real.recordType, items, signal: aborted })).rejects.toThrow(
            'enough',
          );
          expect(await run.real.names()).toEqual([]);
        });
      }

      test('or leaving a read lets the peer be used again', async () => {
        await run.real.add(names(6));
        for await (const { items } of run.peer.read({
          recordType: run.real.recordType,
          pageSize: 2,
          signal: run.signal,
        })) {
          expect(items).toHaveLength(2);
          break;
        }
        expect(recordIds(await run.read())).toHaveLength(6);
      });
    });

    if (has('limit')) {
      describe('a peer that takes no more', () => {
        test('gets no request before its time, and then the call succeeds', async () => {
          await run.real.add(['Ada']);
          const items: WriteItem[] = [{ kind: 'CREATE', key: 'key-1', fields: run.real.fields('Grace') }];
          const endLimit = (await run.real.limit?.()) ?? expect.fail('The peer has no limits.');
          const error = await failure(() => run.read());
          expect(error.reason).toBe('RATE_LIMITED');
          // A value of the answer, not a measured time.
          expect(error.retryAfterMs).toBeGreaterThan(0);
          const limited = await run.peer
            .write({ recordType: run.real.recordType, items, signal: run.signal })
            .catch((thrown: unknown) => thrown);
          expect(isForLater(limited)).toBe(true);
          await endLimit();
          expect(recordIds(await run.read())).toHaveLength(1);
          expect(await run.write(...items)).toMatchObject([{ kind: 'WRITTEN' }]);
        });
      });
    }
  });
}

/** By name, so that a new secret without its mark fails. */
function isSecret(name: string): true | undefined {
  return /password|secret|token/i.test(name) || undefined;
}

function isForLater(result: unknown): boolean {
  if (result instanceof ConnectorError) return result.reason === 'RATE_LIMITED' && (result.retryAfterMs ?? 0) > 0;
  return (result as WriteResult[]).every((item) => item.kind === 'RETRY_LATER' && item.retryAfterMs > 0);
}
