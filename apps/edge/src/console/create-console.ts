import type { Logger } from '@rapport/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator } from '../access/authenticator.js';
import type { EdgeConfig } from '../config.js';
import type { Limits } from '../limits/limits.js';
import type { OidcConnection } from '../oidc/oidc-connection.js';
import { ConsoleSessions } from './bearer-from-cookie.js';
import { ConsoleFiles } from './files.js';
import { ProviderClient } from './provider-client.js';
import { ConsoleCookies } from './session-cookie.js';
import { registerSignIn } from './sign-in.js';

/** The console as the rest of the edge sees it. */
export interface Console {
  /** `host:port` of its pages, if it shares no host with the provider. */
  ownHost: string | undefined;
  /** Absent where nobody can sign in. */
  sessions: ConsoleSessions | undefined;
  /** Answers a request that matches no route, or is false. */
  answerPage: (request: FastifyRequest, reply: FastifyReply) => boolean;
  /** Adds its routes. */
  register: (server: FastifyInstance) => Promise<void>;
}

export interface ConsoleParts {
  config: EdgeConfig;
  /** Absent without an OpenID provider. */
  oidc: OidcConnection | undefined;
  authenticator: Authenticator;
  limits: Limits;
  logger: Logger;
  /** First steps of the paths of public pages. */
  pageSteps: readonly string[];
}

export function createConsole({ config, oidc, authenticator, limits, logger, pageSteps }: ConsoleParts): Console {
  const { publicUrl: issuer = '', tls } = config;
  const { url: consoleUrl, keys, folder } = config.console ?? { url: issuer, keys: [], folder: undefined };
  const isTls = tls !== undefined;
  const hasOwnHost = consoleUrl !== issuer;
  const refusedHost = hasOwnHost ? new URL(issuer).host : undefined;
  const files = new ConsoleFiles({ folder, isTls, refusedHost, pageSteps });
  const canSignIn = oidc && keys.length > 0 && isSafe(consoleUrl);
  if (oidc && !canSignIn)
    logger.warn('nobody can sign in to the console: it needs CONSOLE_KEYS, and https or a loopback address');
  const provider = canSignIn ? new ProviderClient(oidc, issuer, consoleUrl) : undefined;
  const sessions = provider && new ConsoleSessions(new ConsoleCookies({ keys, consoleUrl }), provider);
  return {
    ownHost: hasOwnHost ? new URL(consoleUrl).host : undefined,
    sessions,
    answerPage: (request, reply) => files.answerPage(request, reply),
    register: async (server) => {
      files.register(server);
      if (provider && sessions) {
        await registerSignIn(server, { sessions, provider, authenticator, limits, consoleUrl, isTls, refusedHost });
      }
    },
  };
}

/** Over http, cookies are safe on this machine only. */
function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
}
