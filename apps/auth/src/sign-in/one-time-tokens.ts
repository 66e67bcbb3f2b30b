import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { invalidArgument, type AppError } from '@rapport/platform';
import type { UserAccount } from '../storage/user-account.entity.js';
import { OneTimeToken, type TokenPurpose } from '../storage/one-time-token.entity.js';

const tenantBytes = 16;
const secretBytes = 32;

/**
 * Issues a token of 64 characters for a user: the tenant's id, which every lookup requires, and 32 random bytes. It invalidates
 * an earlier token for the same purpose.
 */
export async function issueToken(
  em: EntityManager,
  purpose: TokenPurpose,
  { tenantId, id: userId }: Pick<UserAccount, 'tenantId' | 'id'>,
  ttlSeconds: number,
): Promise<string> {
  const tenant = Buffer.from(tenantId.replaceAll('-', ''), 'hex');
  const token = Buffer.concat([tenant, randomBytes(secretBytes)]).toString('base64url');
  const expireTime = new Date(Date.now() + ttlSeconds * 1_000);
  await em.upsert(OneTimeToken, { tenantId, userId, purpose, hash: hashOf(token), expireTime });
  return token;
}

/** The tenant's UUID in a token. It is not verified yet. */
export function tenantOfToken(token: string): string {
  const hex = Buffer.from(token, 'base64url').subarray(0, tenantBytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** UUID of the user of a valid token. */
export async function userOfToken(
  em: EntityManager,
  purpose: TokenPurpose,
  token: string,
): Promise<string | undefined> {
  const found = await em.findOne(OneTimeToken, validToken(purpose, token));
  return found?.userId;
}

/** Consumes a token. False when it is invalid, for example because a concurrent call has consumed it. */
export async function consumeToken(em: EntityManager, purpose: TokenPurpose, token: string): Promise<boolean> {
  return (await em.nativeDelete(OneTimeToken, validToken(purpose, token))) === 1;
}

/** @param field path of the token in the request */
export function tokenInvalid(field: string): AppError {
  return invalidArgument([
    {
      field,
      reason: 'TOKEN_INVALID',
      description: 'is not valid: it was used, has expired, or was replaced by a newer one',
    },
  ]);
}

function validToken(purpose: TokenPurpose, token: string) {
  return { tenantId: tenantOfToken(token), purpose, hash: hashOf(token), expireTime: { $gt: new Date() } };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
