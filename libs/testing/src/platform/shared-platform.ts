import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { CertificateFiles } from './platform-certificates.js';
import { startPlatform, type Platform, type PlatformOptions } from './platform.js';
import type { Tenant } from './tenant-maker.js';

/** A shared platform as test files see it: they can create tenants in it, but not stop or change it. */
export interface SharedPlatform extends Pick<
  Platform,
  | 'edgeUrl'
  | 'edgeUrls'
  | 'serviceAddresses'
  | 'metricsUrls'
  | 'customersDatabase'
  | 'mailDir'
  | 'filesDir'
  | 'logDir'
  | 'trust'
  | 'createTenant'
> {
  postgres: Pick<Platform['postgres'], 'superuserUrl'>;
}

type Facts = Omit<SharedPlatform, 'trust' | 'createTenant'> & { signingKeyFile: string };

interface PlatformShare {
  /** The argument of `sharedPlatform`. */
  url: string;
  /** Stops the platform, if it was started. */
  stop: () => Promise<void>;
}

/**
 * Offers one platform to all test files of a run, in any process. It starts on the first request. For the global set-up of
 * tests.
 */
export async function sharePlatform(options: PlatformOptions = {}): Promise<PlatformShare> {
  let starting: Promise<Platform> | undefined;
  const server = createServer((request, response) => {
    starting ??= startPlatform(options);
    answer(request, starting).then(
      (body) => response.end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.stack : String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      // A failed start has left nothing, and its tests have failed.
      const platform = await starting?.catch(() => undefined);
      await platform?.stop();
    },
  };
}

/** The platform behind `url`, started if needed, which takes seconds. */
export async function sharedPlatform(url: string): Promise<SharedPlatform> {
  const { signingKeyFile, ...facts } = await ask<Facts>(url, '/platform');
  return {
    ...facts,
    trust: {
      signingKeyFile,
      certificatesOf: (process) => ask<CertificateFiles>(url, '/certificates', { process }),
    },
    createTenant: (displayName, plan, workspace) => ask<Tenant>(url, '/tenants', { displayName, plan, workspace }),
  };
}

async function answer(request: IncomingMessage, starting: Promise<Platform>): Promise<unknown> {
  const platform = await starting;
  switch (request.url) {
    case '/platform':
      return factsOf(platform);
    case '/certificates':
      return platform.trust.certificatesOf(((await json(request)) as { process: string }).process);
    case '/tenants': {
      const { displayName, plan, workspace } = (await json(request)) as Record<
        'displayName' | 'plan' | 'workspace',
        string
      >;
      return platform.createTenant(displayName, plan, workspace);
    }
    default:
      throw new Error(`There is no ${request.url}.`);
  }
}

function factsOf(platform: Platform): Facts {
  const { edgeUrl, edgeUrls, serviceAddresses, metricsUrls, customersDatabase, mailDir, filesDir, logDir } = platform;
  const { superuserUrl } = platform.postgres;
  const places = { edgeUrl, edgeUrls, serviceAddresses, metricsUrls, customersDatabase, mailDir, filesDir, logDir };
  return { ...places, postgres: { superuserUrl }, signingKeyFile: platform.trust.signingKeyFile };
}

async function ask<Answer>(url: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(url + path, body && { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`The shared platform did not start or answer: ${await response.text()}`);
  return (await response.json()) as Answer;
}
