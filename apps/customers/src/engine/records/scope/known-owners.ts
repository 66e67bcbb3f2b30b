import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { ContractClient } from '@rapport/contracts';
import {
  UsersServiceService,
  type FindOwnersResponse,
  type FindUsersResponse,
  type FoundUser,
  type PrincipalRights,
} from '@rapport/contracts/rapport/auth/v1/users_service';
import { currentCaller, errorKind, ownerIdOf } from '@rapport/platform';

/** Where an id can lead to: users and API keys are principals. */
export type OwnerKind = 'PRINCIPAL' | 'TEAM';

export interface OwnerId {
  kind: OwnerKind;
  id: string;
}

/** Client of auth. */
export type AuthClient = Pick<ContractClient, 'unary' | 'close'>;

/** How long a process relies on what auth has said, in milliseconds: a deleted user can be named for as long. */
const keptMs = 60_000;

/** How long auth may take, in milliseconds: the write waits for it. */
const callMs = 1_000;

/** How long auth is not asked again after it has failed, in milliseconds. */
const pauseMs = 5_000;

/** Most ids of a call, as in the contract. */
const maxAsked = 1_000;

/** How long a process remembers an owner that auth does not have, in milliseconds: as long as a write may take that named it. */
const deniedMs = 30_000;

/** Most owners that a process remembers. */
const maxKnown = 100_000;

/** Which ids auth has, by what they are. */
type Found = Record<OwnerKind, ReadonlySet<string>>;

/**
 * The users, API keys and teams of tenants, which only auth has. What auth has confirmed is remembered, so that a write that names
 * a known owner takes no call. While auth does not answer, all are taken for known: a write does not depend on auth.
 */
export class KnownOwners {
  readonly #logger = new Logger('KnownOwners');
  /** Until when an owner is known, in milliseconds of `performance.now()`. */
  readonly #known = new Map<string, number>();
  /** Until when an owner is known not to exist, likewise. Each write that names it asks again. */
  readonly #denied = new Map<string, number>();
  /** The call that asks about an id. */
  readonly #asking = new Map<string, Promise<Found | undefined>>();
  #pausedUntilMs = -Infinity;

  private constructor(private readonly auth: AuthClient) {}

  /** Makes the process check the owners that requests name. Otherwise, as in tests without auth, all are taken for known. */
  static use(auth: AuthClient): KnownOwners {
    return (current = new KnownOwners(auth));
  }

  onApplicationShutdown(): void {
    if (current === this) current = undefined;
    this.auth.close();
  }

  /** Those that do not exist in the tenant of the caller. */
  async missing(owners: readonly OwnerId[]): Promise<OwnerId[]> {
    const { tenantId } = currentCaller();
    const unsure = owners.filter((owner) => !isOfCaller(owner) && !this.#isKnown(tenantId, owner));
    if (unsure.length === 0) return [];
    const found = await this.#find(tenantId, [...new Set(unsure.map(({ id }) => id))]);
    if (!found) return [];
    const missing = unsure.filter(({ kind, id }) => !found[kind].has(id));
    remember(
      this.#denied,
      missing.map((owner) => keyOf(tenantId, owner)),
      deniedMs,
    );
    return missing;
  }

  /** Whether auth has said lately that an owner does not exist in the tenant of the caller. */
  isDenied(owner: OwnerId): boolean {
    const key = keyOf(currentCaller().tenantId, owner);
    return isCurrent(this.#denied, key) && !isCurrent(this.#known, key);
  }

  /** @see usersNamed */
  async named(names: readonly string[]): Promise<Map<string, string[]>> {
    const { tenantId } = currentCaller();
    const users: FoundUser[] = [];
    for (let index = 0; index < names.length; index += maxAsked) {
      const request = { tenantId, names: names.slice(index, index + maxAsked) };
      const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
      const answer = await this.auth.unary(UsersServiceService.findUsers.path, request, options);
      users.push(...(answer as FindUsersResponse).users);
    }
    return new Map(
      names.map((name) => {
        const called = name.normalize('NFC').toLowerCase();
        const byEmail = users.filter(({ email }) => email === called);
        const byName = users.filter(({ displayName }) => displayName.toLowerCase() === name.toLowerCase());
        return [name, [...new Set((byEmail.length > 0 ? byEmail : byName).map(({ id }) => id))]];
      }),
    );
  }

  /** @see rightsOf */
  async rights(principalId: string): Promise<PrincipalRights> {
    const request = { tenantId: currentCaller().tenantId, principalId };
    const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
    const answer = await this.auth.unary(UsersServiceService.getPrincipalRights.path, request, options);
    return answer as PrincipalRights;
  }

  #isKnown(tenantId: string, owner: OwnerId): boolean {
    return isCurrent(this.#known, keyOf(tenantId, owner));
  }

  /** Asks only about ids that no call asks about. Undefined when auth does not answer. */
  async #find(tenantId: string, ids: readonly string[]): Promise<Found | undefined> {
    const askedBy = (id: string) => this.#asking.get(`${tenantId} ${id}`);
    const joined = new Set(ids.flatMap((id) => askedBy(id) ?? []));
    const unasked = ids.filter((id) => !askedBy(id));
    const calls = unasked.length === 0 ? [...joined] : [...joined, this.#ask(tenantId, unasked)];
    const answers = await Promise.all(calls);
    const given = answers.filter((answer) => answer !== undefined);
    const all = (kind: OwnerKind) => new Set(given.flatMap((answer) => [...answer[kind]]));
    return given.length < answers.length ? undefined : { PRINCIPAL: all('PRINCIPAL'), TEAM: all('TEAM') };
  }

  #ask(tenantId: string, ids: readonly string[]): Promise<Found | undefined> {
    const keys = ids.map((id) => `${tenantId} ${id}`);
    const call = this.#askAll(tenantId, ids).finally(() => {
      for (const key of keys) this.#asking.delete(key);
    });
    for (const key of keys) this.#asking.set(key, call);
    return call;
  }

  async #askAll(tenantId: string, ids: readonly string[]): Promise<Found | undefined> {
    if (this.#pausedUntilMs > performance.now()) return undefined;
    const found = { PRINCIPAL: new Set<string>(), TEAM: new Set<string>() };
    try {
      for (let index = 0; index < ids.length; index += maxAsked) {
        const answer = await this.#call(tenantId, ids.slice(index, index + maxAsked));
        for (const id of answer.principalIds) found.PRINCIPAL.add(id);
        for (const id of answer.teamIds) found.TEAM.add(id);
      }
    } catch (error) {
      this.#pausedUntilMs = performance.now() + pauseMs;
      this.#logger.warn(`Owners of records are not checked: ${errorKind(error)}.`);
      return undefined;
    }
    for (const kind of ['PRINCIPAL', 'TEAM'] as const)
      remember(
        this.#known,
        [...found[kind]].map((id) => keyOf(tenantId, { kind, id })),
        keptMs,
      );
    return found;
  }

  async #call(tenantId: string, ids: readonly string[]): Promise<FindOwnersResponse> {
    const options = { context: { requestId: randomUUID() }, deadlineMs: callMs };
    return (await this.auth.unary(
      UsersServiceService.findOwners.path,
      { tenantId, ids },
      options,
    )) as FindOwnersResponse;
  }
}

function isCurrent(kept: ReadonlyMap<string, number>, key: string): boolean {
  return (kept.get(key) ?? -Infinity) > performance.now();
}

function remember(kept: Map<string, number>, keys: readonly string[], forMs: number): void {
  if (kept.size >= maxKnown) kept.clear();
  const untilMs = performance.now() + forMs;
  for (const key of keys) kept.set(key, untilMs);
}

let current: KnownOwners | undefined;

/**
 * The ids of the users of the caller's tenant with the e-mail addresses or display names. An address wins over names.
 *
 * @throws AppError UNAVAILABLE while auth does not answer: unlike an id, a name cannot be taken for known
 */
export async function usersNamed(names: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  return names.length === 0 || !current ? new Map() : current.named([...new Set(names)]);
}

/**
 * The current rights of a user or an API key of the caller's tenant. Undefined in tests without auth.
 *
 * @throws AppError PERMISSION_DENIED PRINCIPAL_ENDED for one that has no access any more, UNAVAILABLE while auth does not answer
 */
export async function rightsOf(principalId: string): Promise<PrincipalRights | undefined> {
  return current?.rights(principalId);
}

/** Those owners that do not exist in the tenant of the caller. */
export async function missingOwners(owners: readonly OwnerId[]): Promise<OwnerId[]> {
  return owners.length === 0 ? [] : ((await current?.missing(owners)) ?? []);
}

/** Whether `missingOwners` has found lately that an owner does not exist in the tenant of the caller. */
export function isDeniedOwner(owner: OwnerId): boolean {
  return current?.isDenied(owner) ?? false;
}

/** The caller exists, and so do its teams. */
function isOfCaller({ kind, id }: OwnerId): boolean {
  const { principalId, teamIds = [] } = currentCaller();
  return kind === 'TEAM' ? teamIds.includes(id) : ownerIdOf(principalId) === id;
}

function keyOf(tenantId: string, { kind, id }: OwnerId): string {
  return `${tenantId} ${kind} ${id}`;
}
