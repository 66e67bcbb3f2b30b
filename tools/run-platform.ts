import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startPlatform, type Platform } from '@rapport/testing';
import { reconnect } from './demo/accounting.ts';
import { DemoRelay } from './demo/demo-relay.ts';
import { curlLines, writeDemo, type Demo } from './demo/demo.ts';
import { openDemo } from './demo/open-demo.ts';
import { playStory } from './demo/story.ts';
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
  let relay: DemoRelay | undefined;
  try {
    relay = await DemoRelay.start(platform.mailDir);
    await serve(platform, relay, options);
  } finally {
    endRotation();
    await platform.stop();
    await relay?.stop();
  }
}

async function serve(
  platform: Platform,
  relay: DemoRelay,
  { dataDir, onProgress, stopRequest }: RunOptions,
): Promise<void> {
  const demo = await openDemo(platform, dataDir, onProgress, stopRequest);
  onProgress(welcome(demo, dataDir));
  await goOnWithDemo(demo, { dataDir, onProgress, stopRequest }, async () => {
    if (!demo.isComplete) return playStory(demo, { platform, relay }, onProgress, stopRequest);
    await relay.reconnect(demo, stopRequest);
    await reconnect(demo, platform, stopRequest);
  });
  if (!stopRequest.aborted) await once(stopRequest, 'abort');
}

/**
 * Plays the story of a demo workspace, or connects it again. Its users may have removed what that needs, such as the API key:
 * then it is left as it is, and the platform goes on.
 *
 * @throws what `work` throws after a request to stop
 */
export async function goOnWithDemo(
  demo: Demo,
  { dataDir, onProgress, stopRequest }: Pick<RunOptions, 'dataDir' | 'onProgress' | 'stopRequest'>,
  work: () => Promise<void>,
): Promise<void> {
  const fault = await work().then(
    () => undefined,
    (error: unknown) => error as Error,
  );
  if (fault && stopRequest.aborted) throw fault;
  if (!demo.isComplete) await writeDemo(dataDir, { ...demo, isComplete: true });
  if (fault) onProgress(`The demo workspace is left as it is: ${fault.message}`);
  else if (!demo.isComplete) onProgress('The demo workspace is complete.');
}

function welcome(demo: Demo, dataDir: string): string {
  const [administrator] = demo.users;
  const file = join(dataDir, 'demo.json');
  return `
Rapport is ready.

  Open           ${demo.url}/
                 (plain HTTP, and open to this machine only)
  Workspace      ${demo.workspace}
  E-mail         ${administrator?.email}
  Password       ${demo.isComplete ? `in ${file}` : administrator?.password}
  API key        ${demo.apiKey}
  API guide      ${demo.url}/docs
  Sent mail      ${join(dataDir, 'mail')}
  Logs           ${join(dataDir, 'logs')}

Address, key, and all users with their passwords are in ${file}. Try:

${curlLines(demo).join('\n')}

Ctrl-C stops everything and keeps the data.`;
}
