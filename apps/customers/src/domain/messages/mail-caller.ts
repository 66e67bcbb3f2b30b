import type { EntityManager } from '@mikro-orm/postgresql';
import { inTenantSession, type StatementTransaction, type WriteMethod, type WriteRequest } from '@rapport/persistence';
import { callContext, requireSync } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import type { Sealing } from '../../engine/sealing/sealing.js';

/** Where the calls of sync run. */
export interface MailParts {
  em: EntityManager;
  sealing: Sealing;
}

/** The principal of what nobody has asked for. */
const mailService = 'service:mail';

/** Does the work of a call of sync as the mail service, in the session of a tenant and with its keys. */
export function forMailOf<Answer>(
  { em, sealing }: MailParts,
  tenantId: string,
  work: () => Promise<Answer>,
  principalId = mailService,
): Promise<Answer> {
  requireSync();
  return callContext.run(mailCall(tenantId, principalId), () => inTenantSession(em, () => sealing.run(em, work)));
}

/** `forMailOf` for a write: the work is one transaction. Records have the `principalId` of the request as their author. */
export function writeForMail<
  Request extends { tenantId: string; principalId?: string | undefined },
  Answer extends object,
>(
  parts: MailParts,
  method: WriteMethod<Request, Answer>,
  request: Request,
  work: (transaction: StatementTransaction) => Promise<Answer>,
): Promise<Answer> {
  return forMailOf(
    parts,
    request.tenantId,
    () => hotWriteCall<Request & WriteRequest, Answer>(parts.em, method, request, work),
    request.principalId,
  );
}

/** The call of sync, as the mail service of a tenant makes it. */
function mailCall(tenantId: string, principalId: string) {
  const call = callContext.getStore();
  if (!call) throw new Error('Mail is handled in a call.');
  const caller = { tenantId, principalId, permissions: [] };
  return { ...call, caller, cause: { origin: 'mail' } };
}

/** `forMailOf` for a stream: each of its steps runs in the session of the tenant. */
export async function* streamForMail<Item>(
  parts: MailParts,
  tenantId: string,
  make: () => AsyncGenerator<Item, void>,
): AsyncGenerator<Item, void> {
  const items = make();
  try {
    for (;;) {
      const { done, value } = await forMailOf(parts, tenantId, () => items.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    await items.return();
  }
}

/** Tenants with work of a kind, behind one, in the order of their ids: a probe of the index for each. */
export async function tenantsWithWork(
  em: EntityManager,
  kind: 'PARSE' | 'SEND' | 'DIGEST',
  after = '00000000-0000-0000-0000-000000000000',
): Promise<{ tenantIds: string[] }> {
  requireSync();
  const rows = await em.fork().execute<{ id: string }[]>(
    `with recursive tenant (id) as (
       (select tenant_id from mail_job where kind = ? and tenant_id > ? order by tenant_id limit 1)
       union all
       select (select tenant_id from mail_job where kind = ? and tenant_id > tenant.id order by tenant_id limit 1)
       from tenant where id is not null)
     select id from tenant where id is not null and exists (select from mail_job
       where kind = ? and tenant_id = tenant.id and coalesce(lease_end_time, due_time, '-infinity') <= rapport_clock())
     limit 100`,
    [kind, after, kind, kind],
  );
  return { tenantIds: rows.map(({ id }) => id) };
}
