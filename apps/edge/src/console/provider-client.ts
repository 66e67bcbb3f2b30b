import { AppError } from '@rapport/platform';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import type { OidcConnection } from '../oidc/oidc-connection.js';
import type { PendingSignIn } from './session-cookie.js';

/** Of a token request, in milliseconds. */
const deadlineMs = 5_000;
const signingAlgorithm = 'ES256';

/** The user and the workspace of a session, as the provider states them in its ID tokens. */
export interface ConsoleProfile {
  user: { id: string; name: string; email: string };
  workspace: { id: string; name: string; slug: string };
  /** The user's, else absent. */
  locale?: string;
}

/** The tokens that the provider issued for a session. */
export interface IssuedTokens {
  accessToken: string;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  profile: ConsoleProfile;
}

/** Where a request comes from, for the security events of auth. */
export interface RequestOrigin {
  requestId: string;
  address: string;
  userAgent: string;
}

/**
 * The console as a client of auth's OpenID provider: code flow with PKCE, state, nonce and issuer (RFC 6749, 7636, 9207). It is one
 * confidential client for all workspaces. What authenticates it is the edge's certificate (RFC 8705, section 2.1), on requests that the
 * edge makes itself: those that it forwards do not have the header below.
 */
export class ProviderClient {
  readonly #server: oauth.AuthorizationServer;
  readonly #client: oauth.Client = { client_id: 'console', id_token_signed_response_alg: signingAlgorithm };
  readonly #redirectUri: string;

  /** @param issuer and `consoleUrl` are origins */
  constructor(
    private readonly connection: OidcConnection,
    issuer: string,
    consoleUrl: string,
  ) {
    this.#redirectUri = `${consoleUrl}/console/callback`;
    this.#server = {
      issuer,
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      authorization_response_iss_parameter_supported: true,
    };
  }

  /** Starts a sign-in. @param hints request parameters that the provider's pages use, such as `ui_locales` */
  async begin(
    returnTo: string,
    hints: Readonly<Record<string, string | undefined>>,
  ): Promise<{ url: string; signIn: PendingSignIn }> {
    const signIn = {
      returnTo,
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
    };
    const url = new URL(this.#server.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: this.#client.client_id,
      redirect_uri: this.#redirectUri,
      response_type: 'code',
      scope: 'openid',
      // The provider's own session lasts longer than one of the console may be idle.
      prompt: 'login',
      state: signIn.state,
      nonce: signIn.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(signIn.verifier),
      code_challenge_method: 'S256',
      ...Object.fromEntries(Object.entries(hints).filter(([, value]) => value !== undefined)),
    }).toString();
    return { url: url.href, signIn };
  }

  /**
   * Exchanges the code of a callback.
   *
   * @param callback its URL
   * @returns undefined for one that belongs to no sign-in of this browser, or that the provider refuses
   */
  async finish(
    callback: URL,
    { state, nonce, verifier }: PendingSignIn,
    from: RequestOrigin,
  ): Promise<(IssuedTokens & { refreshToken: string }) | undefined> {
    const answer = await refusable(async () => {
      const parameters = oauth.validateAuthResponse(this.#server, this.#client, callback, state);
      const response = await oauth.authorizationCodeGrantRequest(
        ...([this.#server, this.#client, oauth.TlsClientAuth(), parameters, this.#redirectUri, verifier] as const),
        this.#optionsOf(from),
      );
      const checks = { expectedNonce: nonce, requireIdToken: true };
      return oauth.processAuthorizationCodeResponse(this.#server, this.#client, response, checks);
    });
    if (!answer) return undefined;
    const { refresh_token: refreshToken } = answer;
    if (refreshToken === undefined) throw new Error('The provider has issued no refresh token.');
    return { ...issuedTokens(answer), refreshToken };
  }

  /** @returns undefined when the session has ended. @throws AppError UNAVAILABLE when auth can't be asked */
  async refresh(refreshToken: string, from: RequestOrigin): Promise<IssuedTokens | undefined> {
    const answer = await refusable(async () => {
      const asked = [this.#server, this.#client, oauth.TlsClientAuth(), refreshToken] as const;
      const response = await oauth.refreshTokenGrantRequest(...asked, this.#optionsOf(from));
      return oauth.processRefreshTokenResponse(this.#server, this.#client, response);
    });
    return answer && issuedTokens(answer);
  }

  /** Ends the session with all its tokens, in the list of the user's sessions too. */
  async revoke(refreshToken: string, from: RequestOrigin): Promise<void> {
    await refusable(async () => {
      const asked = [this.#server, this.#client, oauth.TlsClientAuth(), refreshToken] as const;
      await oauth.processRevocationResponse(await oauth.revocationRequest(...asked, this.#optionsOf(from)));
      return true;
    });
  }

  #optionsOf({ requestId, address, userAgent }: RequestOrigin): oauth.TokenEndpointRequestOptions {
    const own = {
      'x-rapport-own-request': 'true',
      'x-request-id': requestId,
      'x-forwarded-for': address,
      'user-agent': userAgent,
    };
    return {
      headers: own,
      signal: () => AbortSignal.timeout(deadlineMs),
      // The connection is to auth, whatever the URL: only its path counts.
      [oauth.allowInsecureRequests]: true,
      [oauth.customFetch]: (url, options) => this.connection.fetch(url, options),
    };
  }
}

/** @returns undefined for a refusal that is the provider's answer to this code, token or callback */
async function refusable<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof oauth.AuthorizationResponseError) return undefined;
    if (error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant') return undefined;
    if (error instanceof oauth.OperationProcessingError && ofCallback.has(error.code ?? '')) return undefined;
    const message = 'The sign-in service can not be reached. Try again.';
    throw new AppError('UNAVAILABLE', 'SERVICE_UNAVAILABLE', message, { cause: error, retryAfterSeconds: 1 });
  }
}

/** Another state, issuer or form than expected: a callback that is not of this sign-in. */
const ofCallback = new Set<string>([oauth.INVALID_RESPONSE, oauth.JWT_CLAIM_COMPARISON]);

function issuedTokens({ access_token, expires_in, id_token }: oauth.TokenEndpointResponse): IssuedTokens {
  // Received from auth itself, so its signature proves nothing more: OpenID Connect Core 1.0, section 3.1.3.7, point 6.
  const claims = decodeJwt(id_token ?? '') as Record<string, string | undefined>;
  const of = (name: string) => claims[name] ?? '';
  return {
    accessToken: access_token,
    expiresAt: Date.now() + (expires_in ?? 0) * 1_000,
    profile: {
      user: { id: of('sub'), name: of('name'), email: of('email') },
      workspace: { id: of('tenant_id'), name: of('tenant_name'), slug: of('workspace') },
      ...(claims['locale'] !== undefined && { locale: claims['locale'] }),
    },
  };
}
