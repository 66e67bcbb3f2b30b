import { AppError } from '@rapport/platform';
import type { Context, Middleware } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import type { Credentials } from '../../sign-in/sign-in.js';
import { parseClientId } from '../clients/client-id.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import type { UserAccounts } from '../records/user-accounts.js';
import type { ForgottenPassword } from './forgotten-password.js';
import { giveConsent, type MissingConsent } from './give-consent.js';
import type { Visit } from './visit.js';
import { consentPage } from './consent-page.js';
import { expiredPage, foreignFormPage } from './error-page.js';
import { sendPage, type Page } from './page.js';
import { signInPage } from './sign-in-page.js';
import { isOwnForm, readForm } from './read-form.js';

/** `/oauth/interactions/<id>`, and another page of it or what a form of its pages does. */
const route = /^(\/oauth\/interactions\/[\w-]{10,100})(?:\/(sign-in|consent|cancel|forgotten-password))?$/;

/**
 * The pages on which people sign in and agree. Another site can post no form to them: the path has a random id that only the
 * browser knows, the cookie with the same id is not sent from elsewhere (SameSite), and the browser says where a form comes from.
 */
export class Interactions {
  constructor(
    private readonly issuer: string,
    private readonly database: OidcDatabase,
    private readonly accounts: UserAccounts,
    private readonly forgottenPassword: ForgottenPassword,
  ) {}

  middleware(provider: Provider): Middleware {
    return async (context, next) => {
      const [, path, action] = route.exec(context.path) ?? [];
      if (path === undefined) return void (await next());
      const isPage = action === undefined || (action === 'forgotten-password' && context.method === 'GET');
      checkMethod(context, action);
      if (!isPage && !isOwnForm(context, this.issuer)) return sendPage(context, foreignFormPage());
      const visit = await this.#visit(context, provider, path);
      if (!visit) return sendPage(context, expiredPage());
      if (action === undefined) return sendPage(context, pageOf(visit));
      if (action === 'forgotten-password') {
        return isPage ? this.forgottenPassword.show(visit) : this.forgottenPassword.send(visit);
      }
      if (action === 'cancel') return finish(visit, { error: 'access_denied', error_description: 'cancelled' });
      return action === 'sign-in' ? this.#signIn(visit) : this.#agree(visit);
    };
  }

  /** Undefined when it is over, or of another browser. */
  async #visit(context: Context, provider: Provider, path: string): Promise<Visit | undefined> {
    const interaction = await provider.interactionDetails(context.req, context.res).catch((error: unknown) => {
      if (error instanceof errors.SessionNotFound) return undefined;
      throw error;
    });
    if (!interaction || !path.endsWith(`/${interaction.uid}`)) return undefined;
    const { client_id: clientId, redirect_uri: redirectUri } = interaction.params as Record<string, string>;
    const client = await provider.Client.find(clientId ?? '');
    const { tenantId = '' } = parseClientId(clientId ?? '') ?? {};
    const [tenant] = await this.database.rows<{ display_name: string }>(
      { name: 'name_tenant', sql: 'select display_name from tenant where tenant_id = $1', values: [tenantId] },
      tenantId,
    );
    if (!client || !tenant) return undefined;
    const clientName = client.clientName ?? client.clientId;
    const formTargets = [formTarget(redirectUri ?? '')];
    return { context, provider, interaction, path, tenantId, tenantName: tenant.display_name, clientName, formTargets };
  }

  async #signIn(visit: Visit): Promise<void> {
    const { context, interaction, provider } = visit;
    if (interaction.prompt.name !== 'login') return sendPage(context, pageOf(visit));
    const form = new URLSearchParams(await readForm(context.req));
    const email = form.get('email')?.trim() ?? '';
    const again = ({ code, reason, message }: Pick<AppError, 'code' | 'reason' | 'message'>) => {
      const status = code === 'RESOURCE_EXHAUSTED' ? 429 : 401;
      sendPage(
        context,
        signInPage({ ...visit, email: email.slice(0, 254), problem: problems[reason] ?? message, status }),
      );
    };
    try {
      const accountId = await this.accounts.open(readCredentials(visit, form, email), context.get('user-agent'));
      await leaveOtherSession(visit, accountId);
      await provider.interactionFinished(context.req, context.res, { login: { accountId } });
      context.respond = false;
    } catch (error) {
      if (!(error instanceof AppError) || !['UNAUTHENTICATED', 'RESOURCE_EXHAUSTED'].includes(error.code)) throw error;
      again(error);
    }
  }

  async #agree(visit: Visit): Promise<void> {
    const { session, prompt } = visit.interaction;
    if (prompt.name !== 'consent' || !session) return sendPage(visit.context, pageOf(visit));
    const grantId = await giveConsent(visit, session.accountId, missingOf(visit), this.database);
    await finish(visit, { consent: { grantId } });
  }
}

/** @throws HttpError 405 with the methods that the page or form has */
function checkMethod(context: Context, action: string | undefined): void {
  const methods = action === undefined ? ['GET'] : action === 'forgotten-password' ? ['GET', 'POST'] : ['POST'];
  if (!methods.includes(context.method)) context.throw(405, { headers: { allow: methods.join(', ') } });
}

/** What people are told who can't sign in. */
const problems: Readonly<Record<string, string>> = {
  CREDENTIALS_WRONG: 'This e-mail address, this password and this code do not belong together.',
  CODE_NEEDED: 'Enter your password again, and the code of your authenticator app.',
};

function readCredentials({ context, tenantId }: Visit, form: URLSearchParams, email: string): Credentials {
  const password = form.get('password') ?? '';
  // Longer than any there is: what would be hashed is bounded.
  if (email.length > 254 || password.length > 1_000) {
    throw new AppError('UNAUTHENTICATED', 'CREDENTIALS_WRONG', 'These credentials are not right.');
  }
  const code = form.get('code')?.replaceAll(/\s/g, '');
  return { tenantId, email, password, code: code === '' ? undefined : code, address: context.ip };
}

function pageOf(visit: Visit): Page {
  const { prompt, params } = visit.interaction;
  if (prompt.name === 'login') return signInPage({ ...visit, email: emailHint(params['login_hint']) });
  const permissions = Object.values(missingOf(visit).missingResourceScopes ?? {}).flat();
  const isOffline = missingOf(visit).missingOIDCScope?.includes('offline_access') ?? false;
  return consentPage({ ...visit, permissions, isOffline });
}

function emailHint(hint: unknown): string {
  return typeof hint === 'string' && hint.length <= 254 ? hint : '';
}

function missingOf({ interaction }: Visit): MissingConsent {
  return interaction.prompt.details;
}

async function finish({ context, provider }: Visit, result: Parameters<Provider['interactionFinished']>[2]) {
  await provider.interactionFinished(context.req, context.res, result);
  context.respond = false;
}

/**
 * Ends the session of somebody else in the same browser. The provider would do it by a page that needs JavaScript to go on.
 */
async function leaveOtherSession({ context, provider, interaction }: Visit, accountId: string): Promise<void> {
  if (interaction.session === undefined || interaction.session.accountId === accountId) return;
  const session = await provider.Session.get(context);
  await session.destroy();
  delete interaction.session;
  await interaction.persist();
}

/** As a source of a content security policy. */
function formTarget(redirectUri: string): string {
  const { origin, protocol } = new URL(redirectUri);
  return origin === 'null' ? protocol : origin;
}
