import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startPlatform, type Platform, type UnexpectedExit } from '@rapport/testing';
import { curlLines, openDemoTenant, type Demo } from './demo-tenant.ts';

export interface RunOptions {
  /** Folder for data, keys and logs. */
  dataDir: string;
  /** Port of the REST API on 127.0.0.1. */
  edgePort: number;
  /** Where traces are sent by OTLP over HTTP. */
  tracesEndpoint: string | undefined;
  /** Told what is being done, a line at a time. */
  onProgress: (line: string) => void;
  /** Ends the run. */
  stopRequest: AbortSignal;
}

/**
 * Runs the platform with its demo tenant until `stopRequest`. Everything has ended when it returns or throws.
 *
 * @throws Error that says what can't start, or which process died and why
 */
export async function runPlatform(options: RunOptions): Promise<void> {
  const { stopRequest, ...platformOptions } = options;
  await mkdir(options.dataDir, { recursive: true });
  const death = Promise.withResolvers<UnexpectedExit>();
  const onUnexpectedExit = death.resolve;
  const platform = await startPlatform({ ...platformOptions, onUnexpectedExit, signal: stopRequest });
  try {
    await Promise.race([serve(platform, options), failOn(death.promise)]);
  } finally {
    await platform.stop();
  }
}

async function serve(platform: Platform, { dataDir, onProgress, stopRequest }: RunOptions): Promise<void> {
  const demo = await openDemoTenant(platform, dataDir, onProgress, stopRequest);
  onProgress(welcome(demo, dataDir));
  if (!stopRequest.aborted) await once(stopRequest, 'abort');
}

async function failOn(death: Promise<UnexpectedExit>): Promise<never> {
  const { reason } = await death;
  throw new Error(reason);
}

function welcome(demo: Demo, dataDir: string): string {
  return `
Rapport is ready.

  URL            ${demo.url}
                 (plain HTTP, and open to this machine only)
  API key        ${demo.apiKey}
  API reference  ${demo.url}/docs
  Logs           ${join(dataDir, 'logs')}

URL and key are in ${join(dataDir, 'demo.json')} too. Try:

${curlLines(demo).join('\n')}

Ctrl-C stops everything and keeps the data.`;
}
