import { Operation_State as State } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Keys } from './databases.js';
import { everythingIn, valuesIn } from './encrypted-tenant.js';
import { RecordTenant, type Message, type SuiteSubject } from './record-tenant.js';
import { person, type RunningCustomers } from './running-customers.js';

/** Effects of merge, erasure and encryption of a person on records of every type. */
export function recordPersons(service: () => RunningCustomers, keys: () => Keys, subject: SuiteSubject): void {
  const { type, text, person: reference, about: aboutPerson = (id) => ({ [reference ?? '']: id }) } = subject;
  const { plural } = type;
  let tenant: RecordTenant;

  describe(`records of ${plural} about a person`, () => {
    beforeEach(async () => {
      tenant = await RecordTenant.create(service(), subject);
    });

    test('move with the person in a merge, and back', async () => {
      const [kept, merged] = [await about('Kept'), await about('Merged')];

      const { merge } = await tenant.call('mergeCustomers', { id: kept.personId, merge: merging(merged.personId) });
      if (reference) {
        expect(await tenant.get(merged.record.id)).toMatchObject({ [reference]: kept.personId, etag: '"2"' });
      } else {
        expect((await tenant.list({})).map(({ id }) => id)).toEqual([kept.personId]);
      }

      await tenant.call('unmergeCustomers', { id: (merge as Message).id });
      const back = await tenant.get(merged.record.id);
      expect(back).toEqual({ ...merged.record, etag: '"3"', updateTime: back['updateTime'] });
    });

    test('contain nothing of an erased person, in any column of any table', async () => {
      const mark = 'slartibart';
      const { personId, record } = await about(`${mark}text`);
      await tenant.update(record.id, { [text]: `${mark}changed` });
      expect(await found(mark)).toEqual([mark]);

      await tenant.call('eraseCustomer', { id: personId, erasure: { reason: 'case 4711' } });

      expect(await found(mark)).toEqual([]);
      if (reference) {
        const left = await tenant.get(record.id);
        expect(left[reference]).toBeUndefined();
        expect(left[text]).not.toContain(mark);
      } else {
        await expect(tenant.get(record.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      }
    });

    test('are in no table in plaintext after encryption, and read as before', async () => {
      const mark = 'magrathea';
      const { record } = await about(`${mark}one`);
      expect(await found(mark)).toEqual([mark]);

      const { id } = await tenant.call('encryptPersonalData', {});
      await expect.poll(async () => (await tenant.call('getOperation', { id }))['state']).toBe(State.SUCCEEDED);
      const { record: later } = await about(`${mark}two`);
      const changed = await tenant.update(record.id, { [text]: `${mark}three` });

      expect(await found(mark)).toEqual([]);
      expect(await tenant.list({ orderBy: 'create_time' })).toMatchObject([changed, later]);
      expect(changed).toMatchObject({ id: record.id, [text]: `${mark}three` });
    });
  });

  /** A record about a person of its own, or that person. @param named the text of the record */
  async function about(named: string): Promise<{ personId: string; record: Message }> {
    if (!reference) {
      const record = await tenant.create(1, person({ [text]: named }));
      return { personId: record.id, record };
    }
    const { id: personId } = await service().create(tenant.caller, person());
    return { personId, record: await tenant.create(1, { [text]: named, ...aboutPerson(personId) }) };
  }

  async function found(mark: string): Promise<string[]> {
    return valuesIn(await everythingIn([service().urls.ownerUrl, keys().databaseUrl]), [mark]);
  }
}

function merging(mergedId: string) {
  return { mergedId, mergedEtag: undefined, preferMerged: [] };
}
