import { setTimeout as wait } from 'node:timers/promises';
import { platformContract, serviceDefinitions } from '@rapport/contracts';
import { createLogger, endUnlessConfigured, runUntilStopped, startHealthServer, startTracing } from '@rapport/platform';
import { readEdgeConfig } from './config.js';
import { createEdge } from './create-edge.js';
import { startRedirectServer } from './http/redirect-server.js';

/** How long a load balancer may take to notice that this process is not ready, in milliseconds. */
const drainDelayMs = 500;

const config = endUnlessConfigured(() => readEdgeConfig(import.meta.dirname));
const logger = createLogger('edge', config.logLevel);
if (config.traces) await startTracing({ process: 'edge', ...config.traces }, logger);
const { app, readiness } = await createEdge(config, platformContract(), serviceDefinitions, logger);
const health = config.healthPort === undefined ? undefined : await startHealthServer(config.healthPort, readiness);
await app.listen({ port: config.port, host: config.host });
const { redirect } = config;
const redirecting =
  redirect && (await startRedirectServer(redirect.port, config.host, redirect.origin, config.console?.url));
logger.info({ host: config.host, port: config.port, tls: config.tls !== undefined }, 'serving');

runUntilStopped(logger, async () => {
  readiness.drain();
  await wait(drainDelayMs);
  redirecting?.close();
  await app.close();
  health?.close();
});
