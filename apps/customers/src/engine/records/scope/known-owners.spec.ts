import type { FindOwnersRequest } from '@rapport/contracts/rapport/auth/v1/users_service';
import { AppError, callContext } from '@rapport/platform';
import { v7 } from 'uuid';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KnownOwners, missingOwners, type OwnerId } from './known-owners.js';

const tenantId = v7();
const teamId = v7();
const caller = { tenantId, principalId: `user:${v7()}`, permissions: [], teamIds: [teamId] };

let asked: string[][];
let existing: { principals: Set<string>; teams: Set<string> };
let failure: AppError | undefined;
/** Resolves when auth answers. */
let answering: Promise<void>;
let owners: KnownOwners;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  asked = [];
  existing = { principals: new Set(), teams: new Set() };
  failure = undefined;
  answering = Promise.resolve();
  owners = KnownOwners.use({
    unary: async (_, request) => {
      const { ids } = request as FindOwnersRequest;
      asked.push(ids);
      await answering;
      if (failure) throw failure;
      const among = (known: Set<string>) => ids.filter((id) => known.has(id));
      return { principalIds: among(existing.principals), teamIds: among(existing.teams) };
    },
    close: () => undefined,
  });
});
afterEach(() => {
  owners.onApplicationShutdown();
  vi.useRealTimers();
});

const missing = (...wanted: OwnerId[]) => callContext.run({ requestId: v7(), caller }, () => missingOwners(wanted));

test('an owner that exists is asked about once a minute, and at once after it was unknown', async () => {
  const owner: OwnerId = { kind: 'PRINCIPAL', id: v7() };
  expect(await missing(owner)).toEqual([owner]);

  existing.principals.add(owner.id);
  expect(await missing(owner)).toEqual([]);
  expect(await missing(owner)).toEqual([]);
  expect(asked).toEqual([[owner.id], [owner.id]]);

  existing.principals.delete(owner.id);
  vi.advanceTimersByTime(60_001);
  expect(await missing(owner)).toEqual([owner]);
});

test('the caller and its teams are not asked about', async () => {
  const own = caller.principalId.slice('user:'.length);

  expect(await missing({ kind: 'PRINCIPAL', id: own }, { kind: 'TEAM', id: teamId })).toEqual([]);
  expect(asked).toEqual([]);
});

test('a team is no user', async () => {
  const [user, team] = [v7(), v7()];
  existing.principals.add(user);
  existing.teams.add(team);

  const wrong: OwnerId[] = [
    { kind: 'TEAM', id: user },
    { kind: 'PRINCIPAL', id: team },
  ];
  expect(await missing(...wrong, { kind: 'TEAM', id: team })).toEqual(wrong);
});

test('each id is asked about once, at most 1,000 in a call', async () => {
  const all = Array.from({ length: 1_001 }, (): OwnerId => ({ kind: 'PRINCIPAL', id: v7() }));
  for (const { id } of all) existing.principals.add(id);

  expect(await missing(...all, ...all)).toEqual([]);
  expect(asked.map(({ length }) => length)).toEqual([1_000, 1]);
});

test('all owners are taken for known while auth fails, which is asked again after 5 seconds', async () => {
  const owner: OwnerId = { kind: 'PRINCIPAL', id: v7() };
  failure = new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'Away.');
  expect(await missing(owner)).toEqual([]);
  failure = undefined;
  expect(await missing(owner)).toEqual([]);
  expect(asked).toHaveLength(1);

  vi.advanceTimersByTime(5_001);
  expect(await missing(owner)).toEqual([owner]);
});

test('an id that is asked about is not asked about again meanwhile', async () => {
  const [one, two, three] = [v7(), v7(), v7()].map((id): OwnerId => ({ kind: 'PRINCIPAL', id })) as [
    OwnerId,
    OwnerId,
    OwnerId,
  ];
  existing.principals.add(one.id);
  const { promise, resolve } = Promise.withResolvers<void>();
  answering = promise;

  const answers = [missing(one, two), missing(two, one), missing(two, three)];
  resolve();

  expect(await Promise.all(answers)).toEqual([[two], [two], [two, three]]);
  expect(asked).toEqual([[one.id, two.id], [three.id]]);
  expect(await missing(two)).toEqual([two]);
  expect(asked).toHaveLength(3);
});
