import { status } from '@grpc/grpc-js';
import type { PrincipalSigner } from '@rapport/contracts';
import type { Caller } from '@rapport/platform';
import { grpcRefusal } from './grpc-refusal.js';
import type { Call, Respond } from './ore-store.js';

export type Rights = Partial<Pick<Caller, 'permissions' | 'recordScope' | 'hidesPii'>> & { expireTime?: string };

/** Auth's answer about a key: the rights in its text, or those that the test has set since. */
export function answerKey(
  principals: PrincipalSigner,
  rights: ReadonlyMap<string, Rights | 'revoked'>,
  origins: ReadonlyMap<string, string[]>,
) {
  return ({ request }: Call, respond: Respond): void => {
    const [tenantId = '', permissions = '', name = ''] = String(request['key']).split('|');
    const changed = rights.get(String(request['key']));
    if (name === 'wrong' || changed === 'revoked') {
      return respond(grpcRefusal(status.UNAUTHENTICATED, 'CREDENTIAL_INVALID'));
    }
    const { expireTime, ...given } = changed ?? {};
    const caller = { tenantId, principalId: `apiKey:${name}`, permissions: permissions.split(','), ...given };
    const plan = name === 'poor' ? 'poor' : 'unlimited';
    const allowedOrigins = origins.get(tenantId) ?? [];
    respond(null, { ...caller, expireTime, plan, principalToken: principals.sign(caller), allowedOrigins });
  };
}

/** Auth's answer about a verified token: the subject is the tenant. */
export function answerToken(
  { request }: Call,
  respond: Respond,
  revoked: ReadonlySet<string>,
  signer: PrincipalSigner,
): void {
  const token = String(request['token']);
  if (revoked.has(token)) return respond(grpcRefusal(status.UNAUTHENTICATED, 'ACCESS_TOKEN_INVALID'));
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  const caller = {
    tenantId: String(claims['tenant_id']),
    principalId: String(claims['principal_id']),
    permissions: String(claims['scope']).split(' '),
  };
  respond(null, {
    ...caller,
    principalToken: signer.sign(caller),
    expireTime: new Date(Number(claims['exp']) * 1_000).toISOString(),
    plan: 'unlimited',
    allowedOrigins: [],
  });
}
