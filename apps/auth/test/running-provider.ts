import { credentials, type ServiceError } from '@grpc/grpc-js';
import { fromGrpcError, writeCallMetadata } from '@rapport/contracts';
import {
  OAuthClientsServiceClient,
  OAuthGrantType,
  type OAuthClient,
  type OAuthClientsServiceService,
} from '@rapport/contracts/rapport/auth/v1/oauth_clients_service';
import type { Caller } from '@rapport/platform';
import { Browser, queryDatabase, type Visited } from '@rapport/testing';
import * as oauth from 'oauth4webapi';
import { v7 } from 'uuid';
import { inject } from 'vitest';
import { password, RunningAuth, type StartOptions } from './running-auth.js';

type Methods = typeof OAuthClientsServiceService;
type Answer<Name extends keyof Methods> = ReturnType<Methods[Name]['responseDeserialize']>;

export interface User {
  id: string;
  email: string;
  password: string;
}

/** A client of the OAuth library. */
export interface Client {
  caller: Caller;
  record: OAuthClient;
  client: oauth.Client;
  auth: oauth.ClientAuth;
}

const { AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS } = OAuthGrantType;
/** What differs for a public client, such as an app on a phone. */
export const publicClient = { confidential: false, grantTypes: [AUTHORIZATION_CODE, REFRESH_TOKEN] };
export const redirectUri = 'https://app.example.com/callback';
/** Tests call the service without TLS. */
export const insecure = { [oauth.allowInsecureRequests]: true };

/** The OpenID provider, called with a third-party client library. */
export class RunningProvider {
  private constructor(
    readonly auth: RunningAuth,
    readonly server: oauth.AuthorizationServer,
    private readonly clients: OAuthClientsServiceClient,
    /** A tenant for tests that need only one. */
    readonly caller: Caller,
    private readonly endAuth: () => Promise<void>,
  ) {}

  /** The provider of the shared service, with a new tenant. */
  static async shared(): Promise<RunningProvider> {
    return RunningProvider.#of(await RunningAuth.shared(), async () => undefined);
  }

  /** A provider of its own. */
  static async start(options: StartOptions): Promise<RunningProvider> {
    const auth = await RunningAuth.start(options);
    return RunningProvider.#of(auth, auth.stop);
  }

  static async #of(auth: RunningAuth, endAuth: () => Promise<void>): Promise<RunningProvider> {
    const issuer = new URL(auth.issuer);
    const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...insecure });
    const server = await oauth.processDiscoveryResponse(issuer, discovered);
    const clients = new OAuthClientsServiceClient(auth.address, credentials.createInsecure());
    return new RunningProvider(auth, server, clients, await auth.newCaller(), endAuth);
  }

  async stop(): Promise<void> {
    this.clients.close();
    await this.endAuth();
  }

  /** Calls OAuthClientsService like the edge. */
  call<Name extends keyof Methods>(name: Name, request: object, caller: Caller): Promise<Answer<Name>> {
    const metadata = writeCallMetadata({ requestId: v7(), principalToken: this.auth.principalToken(caller) });
    const method = this.clients[name].bind(this.clients) as unknown as (...args: unknown[]) => void;
    return new Promise((resolve, reject) => {
      method(
        request,
        metadata,
        { deadline: Date.now() + 10_000 },
        (error: ServiceError | null, answer: Answer<Name>) => {
          if (error) reject(fromGrpcError(error));
          else resolve(answer);
        },
      );
    });
  }

  /** A confidential client with all grant types. */
  async newClient(wanted: Partial<OAuthClient> = {}, caller = this.caller): Promise<Client> {
    const oauthClient = {
      displayName: 'Mail add-on',
      confidential: true,
      redirectUris: [redirectUri],
      grantTypes: [AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS],
      permissions: ['customers.read', 'customers.write'],
      allowedOrigins: [],
      ...wanted,
    };
    const record = await this.call('createOAuthClient', { oauthClient }, caller);
    const auth = record.secret === undefined ? oauth.None() : oauth.ClientSecretBasic(record.secret);
    return { caller, record, client: { client_id: record.clientId }, auth };
  }

  /** A user who can sign in. */
  async newUser(admin: Caller = this.caller): Promise<User> {
    const { user } = await this.auth.newUser(admin);
    return { id: user.id, email: user.email, password };
  }

  /** Queries the database as superuser. */
  sql<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const url = new URL(inject('superuserUrl'));
    url.pathname = new URL(this.auth.urls.appUrl).pathname;
    return queryDatabase<Row>(url.href, text, values);
  }

  async clientCredentials({ client, auth }: Client, scope = 'customers.read'): Promise<oauth.TokenEndpointResponse> {
    const parameters = new URLSearchParams({ scope });
    const response = await oauth.clientCredentialsGrantRequest(this.server, client, auth, parameters, insecure);
    return oauth.processClientCredentialsResponse(this.server, client, response);
  }

  /** Starts an authorization. @returns the first page, and the parameters for the exchange of the code */
  async authorize(
    { client }: Client,
    scope = 'openid offline_access customers.read',
    browser = new Browser(this.auth.issuer),
  ): Promise<{ browser: Browser; page: Visited; verifier: string; state: string }> {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(this.server.authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: client.client_id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...(scope.includes('offline_access') ? { prompt: 'consent' } : {}),
    }).toString();
    return { browser, page: await browser.visit(url.href), verifier, state };
  }

  /** Signs in, consents and exchanges the code. */
  async signIn(client: Client, user: User, scope?: string): Promise<oauth.TokenEndpointResponse> {
    const { browser, page, verifier, state } = await this.authorize(client, scope);
    const { email, password } = user;
    const asked = await browser.submit(page, '/sign-in', { email, password });
    const { url } = await browser.submit(asked, '/consent');
    return this.exchange(client, new URL(url), verifier, state);
  }

  async exchange({ client, auth }: Client, callback: URL, verifier: string, state: string) {
    const parameters = oauth.validateAuthResponse(this.server, client, callback, state);
    const sent = [parameters, redirectUri, verifier, insecure] as const;
    const response = await oauth.authorizationCodeGrantRequest(this.server, client, auth, ...sent);
    return oauth.processAuthorizationCodeResponse(this.server, client, response);
  }

  async refresh({ client, auth }: Client, token: string): Promise<oauth.TokenEndpointResponse> {
    const response = await oauth.refreshTokenGrantRequest(this.server, client, auth, token, insecure);
    return oauth.processRefreshTokenResponse(this.server, client, response);
  }

  async revoke({ client, auth }: Client, token: string): Promise<void> {
    await oauth.processRevocationResponse(await oauth.revocationRequest(this.server, client, auth, token, insecure));
  }

  async introspect({ client, auth }: Client, token: string): Promise<oauth.IntrospectionResponse> {
    const response = await oauth.introspectionRequest(this.server, client, auth, token, insecure);
    return oauth.processIntrospectionResponse(this.server, client, response);
  }

  /** Whether the API accepts an access token, as the edge checks it. */
  isActive(token: string): Promise<boolean> {
    return this.auth.call('authenticateAccessToken', { token }).then(
      () => true,
      () => false,
    );
  }
}
