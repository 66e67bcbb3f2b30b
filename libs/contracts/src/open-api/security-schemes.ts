import { permissionForAll } from '@rapport/platform';
import type { RestRoute } from '../rest/rest-route.js';
import { groupName } from './groups.js';

type Json = Record<string, unknown>;

/**
 * The ways to prove who calls. OAuth scopes are permissions. URLs are relative to the server, which has the OpenID
 * provider on its own origin.
 */
export class SecuritySchemes {
  /** Groups of the operations that need a permission. */
  readonly #groups = new Map<string, Set<string>>();

  constructor(routes: readonly RestRoute[]) {
    for (const { method } of routes) {
      const { permission } = method.policy;
      if (permission === '') continue;
      const scope = permissionForAll(permission);
      const groups = this.#groups.get(scope) ?? new Set();
      this.#groups.set(scope, groups.add(groupName(method.service)));
    }
  }

  /** What a caller of an operation must have: one of these. Nothing for a public operation. */
  of({ method: { policy } }: RestRoute): Json[] {
    if (policy.public) return [];
    const scopes = [permissionForAll(policy.permission)];
    return [{ apiKey: [] }, { oauth2: scopes }, { openIdConnect: scopes }];
  }

  get all(): Record<string, Json> {
    const endpoints = { tokenUrl: '/oauth/token', scopes: this.#scopes() };
    return {
      apiKey: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer rpt_live_…`.' },
      oauth2: {
        type: 'oauth2',
        description:
          'An access token of a registered OAuth client, for a user or for the client itself. The authorization code needs PKCE ' +
          '(S256). Scopes are permissions: a token has those that both the client and the user have.',
        flows: {
          authorizationCode: { authorizationUrl: '/oauth/authorize', refreshUrl: '/oauth/token', ...endpoints },
          clientCredentials: endpoints,
        },
      },
      openIdConnect: {
        type: 'openIdConnect',
        description:
          'The same, discovered by OpenID Connect. Scope `openid` adds an id token, `offline_access` a refresh token.',
        openIdConnectUrl: '/.well-known/openid-configuration',
      },
    };
  }

  #scopes(): Record<string, string> {
    const scopes = [...this.#groups].toSorted(([one], [other]) => one.localeCompare(other));
    const texts = scopes.map(([scope, groups]) => [scope, `Operations of: ${[...groups].join(', ')}.`]);
    return {
      openid: 'An id token.',
      offline_access: 'A refresh token that outlives the session of the user.',
      ...(Object.fromEntries(texts) as Record<string, string>),
    };
  }
}
