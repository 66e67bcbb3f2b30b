import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startPlatform, type Platform } from '@rapport/testing';
import { curlLines, openDemoTenant, type Demo } from './demo-tenant.ts';
import { processRestarter } from './restart-processes.ts';
import { keepLogsShort, rotateLogs } from './rotate-logs.ts';

export interface RunOptions {
  /** Folder of data, keys and logs. */
  dataDir: string;
  /** Port of the REST API on 127.0.0.1. */
  edgePort: number;
  /** Where traces are sent by OTLP over HTTP. */
  tracesEndpoint: string | undefined;
  /** Called with each line of progress. */
  onProgress: (line: string) => void;
  /** Ends the run. */
  stopRequest: AbortSignal;
}

/**
 * Runs the platform with its demo tenant until `stopRequest`. A process that dies is restarted, so that failures can be
 * tried out. Everything has ended when it returns or throws.
 *
 * @throws Error with what can't start
 */
export async function runPlatform(options: RunOptions): Promise<void> {
  const { stopRequest, ...platformOptions } = options;
  const logDir = join(options.dataDir, 'logs');
  await mkdir(logDir, { recursive: true, mode: 0o700 });
  await rotateLogs(logDir);
  const onUnexpectedExit = processRestarter(options.onProgress, stopRequest);
  const platform = await startPlatform({ ...platformOptions, onUnexpectedExit, signal: stopRequest });
  const endRotation = keepLogsShort(platform.logDir);
  try {
    await serve(platform, options);
  } finally {
    endRotation();
    await platform.stop();
  }
}

async function serve(platform: Platform, { dataDir, onProgress, stopRequest }: RunOptions): Promise<void> {
  const demo = await openDemoTenant(platform, dataDir, onProgress, stopRequest);
  onProgress(welcome(demo, dataDir));
  if (!stopRequest.aborted) await once(stopRequest, 'abort');
}

function welcome(demo: Demo, dataDir: string): string {
  return `
Rapport is ready.

  URL            ${demo.url}
                 (plain HTTP, and open to this machine only)
  API key        ${demo.apiKey}
  API guide      ${demo.url}/docs
  Logs           ${join(dataDir, 'logs')}

URL and key are in ${join(dataDir, 'demo.json')} too. Try:

${curlLines(demo).join('\n')}

Ctrl-C stops everything and keeps the data.`;
}
