// Starts Rapport on this machine and keeps it running until SIGINT or SIGTERM: `npm start`.
//   EDGE_PORT    port of the REST API on 127.0.0.1 (8080)
//   RAPPORT_DIR  folder for data, keys and logs (.rapport)
//   OTEL_EXPORTER_OTLP_ENDPOINT  where traces are sent, such as http://127.0.0.1:4318 (no traces)
import { resolve } from 'node:path';
import { buildPlatform } from './build-platform.ts';

process.exit(await main());

async function main(): Promise<number> {
  const stopRequest = listenForStop();
  try {
    const dataDir = resolve(import.meta.dirname, '..', process.env['RAPPORT_DIR'] ?? '.rapport');
    const edgePort = readPort('EDGE_PORT', '8080');
    await buildPlatform(showProgress, stopRequest);
    // Imported late: it imports the new build.
    const { runPlatform } = await import('./run-platform.ts');
    const tracesEndpoint = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    await runPlatform({ dataDir, edgePort, tracesEndpoint, onProgress: showProgress, stopRequest });
  } catch (error) {
    if (!stopRequest.aborted) {
      console.error(`\nRapport has stopped. ${(error as Error).message}`);
      return 1;
    }
  }
  console.log('Stopped.');
  return 0;
}

/** Aborted by SIGINT or SIGTERM, or when the parent process has ended. */
function listenForStop(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) return;
    console.log('\nStopping');
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop).once('disconnect', stop);
  return controller.signal;
}

function readPort(variable: string, fallback: string): number {
  const text = process.env[variable] ?? fallback;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${variable} is not a port: ${text}`);
  return port;
}

function showProgress(line: string): void {
  console.log(line);
}
