import type { EntityManager } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import type { Context, Middleware } from 'koa';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { recordSecurityEvent } from '../../security-events/security-event.js';
import { endSession } from '../../sign-in/sessions.js';
import { parseAccountId } from '../records/user-accounts.js';
import { sendPage } from '../look/page.js';
import { signedOutPage } from './sign-out-pages.js';

const path = '/oauth/logout';

/** Ends the session in the user's list of sessions together with the provider's session. */
export class SignOut {
  /** @param em without a tenant: the session contains it */
  constructor(private readonly em: EntityManager) {}

  middleware(provider: Provider): Middleware {
    return async (context, next) => {
      if (!context.path.startsWith(path)) return void (await next());
      const { accountId } = await provider.Session.get(context);
      // The provider's own page needs JavaScript.
      if (accountId === undefined && context.path === path) return sendPage(context, signedOutPage());
      await next();
      const isConfirmed = context.path === `${path}/confirm` && context.status === 303;
      if (accountId !== undefined && isConfirmed && endsSession(context)) await this.#end(accountId);
    };
  }

  async #end(accountId: string): Promise<void> {
    const { tenantId, userId, sessionId } = parseAccountId(accountId);
    await this.em.fork({ session: tenantSession(tenantId) }).transactional(async (em) => {
      if (!(await endSession(em, tenantId, sessionId))) return;
      await recordSecurityEvent(em, {
        kind: 'SESSION_ENDED',
        outcome: 'SUCCESS',
        records: [`session/${sessionId}`, `user/${userId}`],
        principalId: `user:${userId}`,
      });
    });
  }
}

/** Whether the sign-out ends the session for all clients, not only for the requesting one. */
function endsSession(context: Context): boolean {
  return (context as unknown as KoaContextWithOIDC).oidc.params?.['logout'] === 'yes';
}
