import type { Caller } from '@rapport/platform';
import { decodeJwt, type JWTPayload } from 'jose';
import { z } from 'zod';

/**
 * Header and fixed claims of every principal token. It is a signed JWT: RFC 7519, with its own type as of RFC 8725, section
 * 3.11.
 */
export const tokenForm = {
  alg: 'EdDSA',
  typ: 'rapport-principal+jwt',
  issuer: 'rapport-auth',
  audience: 'rapport-services',
  lifetimeSeconds: 60,
  /** Longest accepted token, in characters: more than the permissions and 100 teams of a caller need. */
  maxLength: 8_192,
} as const;

/** The claims of the caller; defaults are omitted. */
const callerClaims = z.object({
  sub: z.string().min(1),
  tid: z.string().min(1),
  perms: z.array(z.string()),
  scope: z.enum(['OWN', 'TEAM', 'ALL']).optional(),
  teams: z.array(z.string()).optional(),
  hide: z.boolean().optional(),
  console: z.boolean().optional(),
});

export type CallerClaims = z.infer<typeof callerClaims>;

/** The claims of a caller, in one order, so that equal callers have equal claims. */
export function claimsOf(caller: Caller): CallerClaims {
  const { principalId, tenantId, permissions, recordScope, teamIds, hidesPii, inConsole } = caller;
  return {
    sub: principalId,
    tid: tenantId,
    perms: [...permissions],
    ...(recordScope && recordScope !== 'ALL' && { scope: recordScope }),
    ...(teamIds && teamIds.length > 0 && { teams: [...teamIds] }),
    ...(hidesPii && { hide: true }),
    ...(inConsole && { console: true }),
  };
}

/** @throws Error for invalid claims, such as a scope that this release does not support */
export function callerOf(payload: JWTPayload): Caller {
  const { sub, tid, perms, scope, teams, hide, console: inConsole } = callerClaims.parse(payload);
  return {
    tenantId: tid,
    principalId: sub,
    permissions: perms,
    ...(scope && { recordScope: scope }),
    ...(teams && { teamIds: teams }),
    ...(hide && { hidesPii: true }),
    ...(inConsole && { inConsole: true }),
  };
}

/** Reads the caller of a token without verifying it: for tokens that come from auth directly. */
export function readPrincipalToken(token: string): Caller {
  return callerOf(decodeJwt(token));
}
