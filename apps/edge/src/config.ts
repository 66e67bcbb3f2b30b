import { join } from 'node:path';
import { areaOf, serviceDefinitions, type CertificatePaths } from '@rapport/contracts';
import {
  address,
  ConfigurationError,
  filePath,
  names,
  parseEnvironment,
  port,
  processVariables,
  publicUrl,
  secretKey,
  secretKeys,
  target,
} from '@rapport/platform';
import { z } from 'zod';
import type { TlsFiles } from './http/bounded-server.js';
import { defaultConnectionBounds, type ConnectionBounds } from './http/connection-shares.js';
import { limitSettings, limitVariables, type LimitSettings } from './limits/limit-settings.js';

/** The configuration of the edge. */
export interface EdgeConfig {
  host: string;
  port: number;
  logLevel: string;
  /** Speaks TLS with these. Plain HTTP when absent. */
  tls?: TlsFiles | undefined;
  /** A plain port that redirects every request to this origin, such as `https://api.example.com`. None when absent. */
  redirect?: { port: number; origin: string } | undefined;
  /** Addresses or CIDR ranges of the proxies whose X-Forwarded-* headers are believed. */
  trustedProxies: string[];
  /** `host:port` of the service of each area of the contract, such as `auth`. */
  addresses: ReadonlyMap<string, string>;
  /** Client certificate for services. Connections are plain when absent, which is for tests only. */
  certificates?: CertificatePaths;
  /** `host:port` of auth's OpenID provider. Without it there are no access tokens, and API keys only. */
  authHttpAddress?: string | undefined;
  /** Public URL of this edge, without a trailing slash: the issuer of access tokens. */
  publicUrl?: string | undefined;
  /** The console. None when absent. */
  console?: ConsoleConfig | undefined;
  /** Of the Redis that all edges share. Without it this edge must be the only one. */
  redisUrl?: string | undefined;
  /** 32 bytes, the same for all edges: what answers in Redis are encrypted with. Without it they share none. */
  cacheKey?: Buffer | undefined;
  /** Defaults when absent. */
  limits?: LimitSettings;
  /** How many connections there may be. Defaults when absent. */
  connections?: ConnectionBounds | undefined;
  /** Folder of the API's descriptions, which the build writes. They are made when they are first asked for when absent. */
  descriptionFolder?: string | undefined;
  /** Memory for cached answers, in bytes. The cache's default when absent. */
  cacheBytes?: number | undefined;
  /** Where traces are sent, and the share of requests that are traced. None are when absent. */
  traces?: { endpoint: string; share: number } | undefined;
  /** Port of a plain server of its own for probes and `/metrics`. None when absent. */
  healthPort?: number | undefined;
}

/** The console for people, and its sign-in. */
export interface ConsoleConfig {
  /** Origin of its pages, without a trailing slash. Equal to `publicUrl` unless it has a host of its own. */
  url: string;
  /** 32 bytes each, the same for all edges: the first one seals cookies, and all of them open. Nobody can sign in without one. */
  keys: readonly Buffer[];
  /** Folder of its built files. */
  folder: string | undefined;
}

/** The areas of the contract that other processes serve. The edge itself serves its own. */
const areas = [...new Set(serviceDefinitions.map((service) => areaOf(Object.values(service)[0]?.path ?? '')))].filter(
  (area) => area !== 'edge',
);

/** What the edge reads from its environment, besides the address of each service. Each may be given as NAME_FILE. */
export const ownVariables = {
  ANONYMOUS_UNITS_PER_MINUTE: limitVariables.ANONYMOUS_UNITS_PER_MINUTE,
  AUTH_HTTP_ADDRESS: address.meta({ description: "Auth's OpenID provider." }),
  CACHE_KEY: secretKey.optional().meta({
    description: 'Encrypts answers in Redis, the same for all edges. Without it edges share no answers.',
  }),
  CONNECTIONS_PER_NETWORK: z.coerce
    .number()
    .int()
    .min(1)
    .max(defaultConnectionBounds.most)
    .default(defaultConnectionBounds.ofNetwork)
    .meta({ description: 'Most connections of one address, or one /64 of IPv6.' }),
  CACHE_MIB: z.coerce.number().int().min(1).max(65_536).optional().meta({
    description: 'Memory for cached answers, in MiB. 64 when absent.',
  }),
  CONSOLE_KEYS: secretKeys.default([]).meta({
    description:
      'Seal the cookies of the console, the same for all edges. The first one seals, all open. Without it nobody can sign in to the console.',
  }),
  CONSOLE_URL: processVariables.CONSOLE_URL,
  EDGE_HOST: z.string().default('127.0.0.1').meta({ description: 'Address to listen on.' }),
  EDGE_PORT: port.default(8080).meta({ description: 'Port to listen on.' }),
  HEALTH_PORT: processVariables.HEALTH_PORT.optional(),
  LOG_LEVEL: processVariables.LOG_LEVEL,
  OTEL_EXPORTER_OTLP_ENDPOINT: processVariables.OTEL_EXPORTER_OTLP_ENDPOINT,
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).meta({
    description: 'Share of requests that are traced.',
  }),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .meta({
      form: 'URL: `redis://`, `rediss://`',
      secret: true,
      description: 'Redis of all edges. Required for more than one edge.',
    }),
  RATE_PLANS: limitVariables.RATE_PLANS,
  PUBLIC_URL: publicUrl.optional().meta({
    description: 'Where clients reach the edges; the issuer of tokens. `http://127.0.0.1` and the port when absent.',
  }),
  PLACES: limitVariables.PLACES,
  PUBLIC_LIMITS: limitVariables.PUBLIC_LIMITS,
  EDGE_COUNT: limitVariables.EDGE_COUNT,
  SLOW_CALL_MS: limitVariables.SLOW_CALL_MS,
  FAILED_AUTHENTICATIONS_PER_MINUTE: limitVariables.FAILED_AUTHENTICATIONS_PER_MINUTE,
  SERVICE_CERT_FILE: processVariables.SERVICE_CERT_FILE,
  SERVICE_KEY_FILE: processVariables.SERVICE_KEY_FILE,
  SERVICE_CA_FILE: processVariables.SERVICE_CA_FILE,
  TLS_CERT_FILE: filePath.optional().meta({
    description: 'PEM of the certificate that clients see. None: plain HTTP. Read again when it changes.',
  }),
  TLS_KEY_FILE: filePath.optional().meta({ description: 'PEM of its private key. Required with `TLS_CERT_FILE`.' }),
  REDIRECT_PORT: port.optional().meta({ description: 'Plain port that redirects all requests to `PUBLIC_URL`.' }),
  TRUSTED_PROXIES: names.default([]).meta({
    description: 'Addresses or ranges of proxies whose `X-Forwarded-*` headers are trusted.',
  }),
};

/** The address of each service, such as `AUTH_ADDRESS`. */
export const addressVariables = Object.fromEntries(
  areas.map((area) => [addressVariable(area), target.meta({ description: `The service ${area}.` })]),
);

/**
 * @param builtFolder with the built `console` and `description`
 * @throws ConfigurationError
 */
export function readEdgeConfig(builtFolder?: string): EdgeConfig {
  const variables = parseEnvironment({ ...addressVariables, ...ownVariables });
  const addresses = variables as unknown as Record<string, string>;
  const issuer = variables.PUBLIC_URL ?? `http://127.0.0.1:${variables.EDGE_PORT}`;
  return {
    host: variables.EDGE_HOST,
    port: variables.EDGE_PORT,
    healthPort: variables.HEALTH_PORT,
    logLevel: variables.LOG_LEVEL,
    traces: traces(variables),
    authHttpAddress: variables.AUTH_HTTP_ADDRESS,
    publicUrl: issuer,
    console: {
      url: variables.CONSOLE_URL ?? issuer,
      keys: variables.CONSOLE_KEYS,
      folder: inFolder(builtFolder, 'console'),
    },
    descriptionFolder: inFolder(builtFolder, 'description'),
    redisUrl: variables.REDIS_URL,
    cacheKey: variables.CACHE_KEY,
    limits: limitSettings(variables),
    cacheBytes: variables.CACHE_MIB === undefined ? undefined : variables.CACHE_MIB * 1024 * 1024,
    trustedProxies: variables.TRUSTED_PROXIES,
    connections: { ...defaultConnectionBounds, ofNetwork: variables.CONNECTIONS_PER_NETWORK },
    tls: tlsFiles(variables),
    redirect: redirect(variables),
    certificates: {
      certificate: variables.SERVICE_CERT_FILE,
      key: variables.SERVICE_KEY_FILE,
      authority: variables.SERVICE_CA_FILE,
    },
    addresses: new Map(areas.map((area) => [area, addresses[addressVariable(area)] ?? ''])),
  };
}

function inFolder(folder: string | undefined, name: string): string | undefined {
  return folder && join(folder, name);
}

/** One without the other is a mistake, which must not make an edge serve plain HTTP. */
function tlsFiles(variables: {
  TLS_CERT_FILE?: string | undefined;
  TLS_KEY_FILE?: string | undefined;
}): TlsFiles | undefined {
  const { TLS_CERT_FILE: certificate, TLS_KEY_FILE: key } = variables;
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  if (certificate === undefined && key === undefined) return undefined;
  throw new ConfigurationError(['TLS_CERT_FILE and TLS_KEY_FILE: one is missing']);
}

function traces(variables: {
  OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  OTEL_TRACES_SAMPLER_ARG: number;
}): EdgeConfig['traces'] {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share } = variables;
  return endpoint === undefined ? undefined : { endpoint, share };
}

function redirect(variables: {
  REDIRECT_PORT?: number | undefined;
  PUBLIC_URL?: string | undefined;
}): EdgeConfig['redirect'] {
  const { REDIRECT_PORT: redirectPort, PUBLIC_URL: origin } = variables;
  if (redirectPort === undefined) return undefined;
  if (origin?.startsWith('https:')) return { port: redirectPort, origin };
  throw new ConfigurationError(['PUBLIC_URL: must be https with REDIRECT_PORT']);
}

function addressVariable(area: string): string {
  return `${area.toUpperCase()}_ADDRESS`;
}
