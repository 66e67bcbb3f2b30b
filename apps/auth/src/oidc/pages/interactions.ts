import { AppError, cutText } from '@rapport/platform';
import type { Context, Middleware } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import type { Credentials } from '../../sign-in/sign-in.js';
import { consoleClientId, parseClientId } from '../clients/client-id.js';
import type { OidcDatabase } from '../records/oidc-database.js';
import type { UserAccounts } from '../records/user-accounts.js';
import { sendPage, type Page } from '../look/page.js';
import type { ForgottenPassword } from './forgotten-password.js';
import { refusalOf } from './form-rules.js';
import { grantConsent, type MissingConsent } from './grant-consent.js';
import type { InteractionRequest } from './interaction-request.js';
import { consentPage } from './consent-page.js';
import { expiredPage, foreignFormPage } from './error-page.js';
import { signInPage } from './sign-in-page.js';
import { isOwnForm, readForm } from './read-form.js';

/** `/oauth/interactions/<id>`, optionally with a further page or the action of a form. */
const route = /^(\/oauth\/interactions\/[\w-]{10,100})(?:\/(sign-in|consent|cancel|forgotten-password))?$/;

/**
 * The pages for sign-in and consent. Other sites cannot post their forms: the path has a random id that only the browser knows, the
 * cookie with the same id is SameSite, and the Origin header must match.
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
      const request = await this.#interactionOf(context, provider, path);
      if (!request) return sendPage(context, expiredPage());
      if (action === undefined) return sendPage(context, pageOf(request));
      if (action === 'forgotten-password') {
        return isPage ? this.forgottenPassword.show(request) : this.forgottenPassword.send(request);
      }
      if (action === 'cancel') return finish(request, { error: 'access_denied', error_description: 'cancelled' });
      return action === 'sign-in' ? this.#signIn(request) : this.#consent(request);
    };
  }

  /** Undefined when the interaction has expired or belongs to another browser. */
  async #interactionOf(context: Context, provider: Provider, path: string): Promise<InteractionRequest | undefined> {
    const interaction = await provider.interactionDetails(context.req, context.res).catch((error: unknown) => {
      if (error instanceof errors.SessionNotFound) return undefined;
      throw error;
    });
    if (!interaction || !path.endsWith(`/${interaction.uid}`)) return undefined;
    const { client_id: clientId, redirect_uri: redirectUri } = interaction.params as Record<string, string>;
    const client = await provider.Client.find(clientId ?? '');
    Object.assign(context.state, { uiLocales: interaction.params['ui_locales'] });
    const tenant = await this.#tenantOf(clientId ?? '');
    if (!client || (!tenant && clientId !== consoleClientId)) return undefined;
    const clientName = client.clientName ?? client.clientId;
    const formTargets = [formTarget(redirectUri ?? '')];
    const workspace = hintOf(interaction.params['workspace'], 63);
    return { context, provider, interaction, path, tenant, workspace, clientName, formTargets };
  }

  /** Undefined for the console, and for a client of no tenant. */
  async #tenantOf(clientId: string): Promise<InteractionRequest['tenant']> {
    const { tenantId } = parseClientId(clientId) ?? {};
    if (tenantId === undefined) return undefined;
    const [tenant] = await this.database.rows<{ display_name: string }>(
      { name: 'name_tenant', sql: 'select display_name from tenant where tenant_id = $1', values: [tenantId] },
      tenantId,
    );
    return tenant && { id: tenantId, name: tenant.display_name };
  }

  async #signIn(request: InteractionRequest): Promise<void> {
    const { context, interaction, provider } = request;
    if (interaction.prompt.name !== 'login') return sendPage(context, pageOf(request));
    const form = new URLSearchParams(await readForm(context.req));
    const email = form.get('email')?.trim() ?? '';
    const workspace = hintOf(form.get('workspace')?.trim(), 63);
    const again = (error: AppError) => {
      const status = error.code === 'RESOURCE_EXHAUSTED' ? 429 : 401;
      const entered = { workspace, email: cutText(email, 254) };
      sendPage(context, signInPage({ ...request, ...entered, problem: refusalOf(error, request.tenant), status }));
    };
    try {
      const tenantId = request.tenant?.id ?? (await this.accounts.tenantOf(workspace));
      const credentials = readCredentials(context, { tenantId, email }, form);
      const accountId = await this.accounts.open(credentials, context.get('user-agent'));
      await endOtherSession(request, accountId);
      await provider.interactionFinished(context.req, context.res, { login: { accountId } });
      context.respond = false;
    } catch (error) {
      if (!(error instanceof AppError) || !['UNAUTHENTICATED', 'RESOURCE_EXHAUSTED'].includes(error.code)) throw error;
      again(error);
    }
  }

  async #consent(request: InteractionRequest): Promise<void> {
    const { session, prompt } = request.interaction;
    if (prompt.name !== 'consent' || !session) return sendPage(request.context, pageOf(request));
    const grantId = await grantConsent(request, session.accountId, missingOf(request), this.database);
    if (grantId === undefined) return sendPage(request.context, expiredPage());
    await finish(request, { consent: { grantId } });
  }
}

/** @throws HttpError 405 with the allowed methods */
function checkMethod(context: Context, action: string | undefined): void {
  const methods = action === undefined ? ['GET'] : action === 'forgotten-password' ? ['GET', 'POST'] : ['POST'];
  if (!methods.includes(context.method)) context.throw(405, { headers: { allow: methods.join(', ') } });
}

function readCredentials(
  { ip: address }: Context,
  { tenantId, email }: Pick<Credentials, 'tenantId' | 'email'>,
  form: URLSearchParams,
): Credentials {
  const password = form.get('password') ?? '';
  // Longer than any valid value. This bounds what is hashed.
  if (email.length > 254 || password.length > 1_000) {
    throw new AppError('UNAUTHENTICATED', 'CREDENTIALS_WRONG', 'The credentials are wrong.');
  }
  const code = form.get('code')?.replaceAll(/\s/g, '');
  return { tenantId, email, password, code: code === '' ? undefined : code, address };
}

function pageOf(request: InteractionRequest): Page {
  const { prompt, params } = request.interaction;
  if (prompt.name === 'login') return signInPage({ ...request, email: hintOf(params['login_hint'], 254) });
  const permissions = Object.values(missingOf(request).missingResourceScopes ?? {}).flat();
  const isOffline = missingOf(request).missingOIDCScope?.includes('offline_access') ?? false;
  return consentPage({ ...request, permissions, isOffline });
}

function hintOf(hint: unknown, maxLength: number): string {
  return typeof hint === 'string' && hint.length <= maxLength ? hint : '';
}

function missingOf({ interaction }: InteractionRequest): MissingConsent {
  return interaction.prompt.details;
}

async function finish(
  { context, provider }: InteractionRequest,
  result: Parameters<Provider['interactionFinished']>[2],
) {
  await provider.interactionFinished(context.req, context.res, result);
  context.respond = false;
}

/**
 * Ends the session of another user in the same browser. The provider would use a page that needs JavaScript.
 */
async function endOtherSession(
  { context, provider, interaction }: InteractionRequest,
  accountId: string,
): Promise<void> {
  if (interaction.session === undefined || interaction.session.accountId === accountId) return;
  const session = await provider.Session.get(context);
  await session.destroy();
  delete interaction.session;
  await interaction.persist();
}

/** A redirect URI as source expression of a content security policy. */
function formTarget(redirectUri: string): string {
  const { origin, protocol } = new URL(redirectUri);
  return origin === 'null' ? protocol : origin;
}
