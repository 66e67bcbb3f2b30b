import { createServer, type AddressInfo } from 'node:net';

/** A TCP port on 127.0.0.1 that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return listenBriefly(0);
}

/**
 * @param setting name of the setting that `port` comes from
 * @throws Error that names both when a process listens on the port already, or when this user may not listen on it
 */
export async function assertPortFree(port: number, setting: string): Promise<void> {
  try {
    await listenBriefly(port);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'EADDRINUSE' ? 'another process listens on it' : code;
    throw new Error(`Port ${port} (${setting}) is not available: ${why}.`, { cause: error });
  }
}

function listenBriefly(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const { port: listenedOn } = server.address() as AddressInfo;
      server.close(() => resolve(listenedOn));
    });
  });
}
