// A TCP relay that delays: `node delay-relay.ts <delayMs> <port> <listenAddress>=<targetAddress>…`.
import { connect, createServer, type Socket } from 'node:net';

const [delayMs = 0, port = 0] = process.argv.slice(2, 4).map(Number);
const routes = process.argv.slice(4);
/** A side with more is not read further. */
const maxBufferedBytes = 64 * 1_024 * 1_024;

for (const route of routes) {
  const [listenAddress, targetAddress = ''] = route.split('=');
  const server = createServer({ noDelay: true, allowHalfOpen: false }, (client) => {
    const target = connect({ host: targetAddress, port, noDelay: true });
    const end = () => [client, target].forEach((socket) => socket.destroy());
    for (const socket of [client, target]) socket.on('error', end).on('close', end);
    forward(client, target);
    forward(target, client);
  });
  server.listen(port, listenAddress);
}

function forward(from: Socket, to: Socket): void {
  let bufferedBytes = 0;
  from.on('data', (bytes) => {
    bufferedBytes += bytes.length;
    if (bufferedBytes > maxBufferedBytes) from.pause();
    setTimeout(() => {
      bufferedBytes -= bytes.length;
      if (to.writable) to.write(bytes);
      from.resume();
    }, delayMs);
  });
}
