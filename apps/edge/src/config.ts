import { serviceDefinitions } from '@rapport/contracts';
import { logLevel, port, readEnvironment, target } from '@rapport/platform';
import { z } from 'zod';

/** What the edge needs to know at its start. */
export interface EdgeConfig {
  host: string;
  port: number;
  logLevel: string;
  /** Addresses or CIDR ranges of the proxies whose X-Forwarded-* headers are believed. */
  trustedProxies: string[];
  /** `host:port` of the service of each area of the contract, such as `auth`. */
  addresses: ReadonlyMap<string, string>;
}

/** The areas of the contract: `rapport.<area>.v1` is served by the service of that name. */
const areas = [...new Set(serviceDefinitions.map((service) => areaOf(Object.values(service)[0]?.path ?? '')))];

/** The area that a gRPC path belongs to. */
export function areaOf(path: string): string {
  const area = /^\/rapport\.([a-z]+)\.v\d+\./.exec(path)?.[1];
  if (!area) throw new Error(`${path} is in no area of the contract.`);
  return area;
}

export function readEdgeConfig(): EdgeConfig {
  const addressShape = Object.fromEntries(areas.map((area) => [addressVariable(area), target]));
  const { EDGE_HOST, EDGE_PORT, LOG_LEVEL, TRUSTED_PROXIES, ...addresses } = readEnvironment({
    ...addressShape,
    EDGE_HOST: z.string().default('127.0.0.1'),
    EDGE_PORT: port.default(8080),
    LOG_LEVEL: logLevel,
    TRUSTED_PROXIES: z.string().default(''),
  });
  return {
    host: EDGE_HOST,
    port: EDGE_PORT,
    logLevel: LOG_LEVEL,
    trustedProxies: TRUSTED_PROXIES.split(',')
      .map((text) => text.trim())
      .filter(Boolean),
    addresses: new Map(areas.map((area) => [area, (addresses as Record<string, string>)[addressVariable(area)] ?? ''])),
  };
}

function addressVariable(area: string): string {
  return `${area.toUpperCase()}_ADDRESS`;
}
