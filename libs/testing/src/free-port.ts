import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ephemeral ports (Linux from 32768, macOS and Windows from 49152), so that no connection takes one by chance.
 */
const firstPort = 20_000;
const endPort = 32_768;
const mostAttempts = 1_000;

/** Reservations of this process. Their sockets keep no process running. */
const reservations: Socket[] = [];

/**
 * Reserves a TCP port on 127.0.0.1 until this process ends, for a process that it starts, kills and starts again. The UDP
 * port of the same number is the lock: it excludes every other process that reserves ports, and the kernel releases it at
 * any end of this process.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const port = randomInt(firstPort, endPort);
    const reservation = await unlessInUse(() => reserve(port));
    if (!reservation) continue;
    if (await unlessInUse(() => listenBriefly(port))) {
      reservations.push(reservation);
      return port;
    }
    reservation.close();
  }
  throw new Error(`No port from ${firstPort} to ${endPort - 1} is free.`);
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

async function unlessInUse<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

async function reserve(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind({ port, address: '127.0.0.1', exclusive: true });
  await once(socket, 'listening');
  return socket.unref();
}

async function listenBriefly(port: number): Promise<true> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
  return true;
}
