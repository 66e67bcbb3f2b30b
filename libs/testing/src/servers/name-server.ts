import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A name server on 127.0.0.1, whose answers have a TTL of 0. */
export interface NameServer {
  /** `host:port`. */
  address: string;
  /** Sets the IPv4 addresses of a name, which is matched up to its first dot. */
  set(name: string, hosts: readonly string[]): void;
  stop(): Promise<void>;
}

const headerBytes = 12;
const typeA = 1;

/** Starts a name server without names. It answers only address queries over UDP (RFC 1035). */
export async function startNameServer(): Promise<NameServer> {
  const hosts = new Map<string, readonly string[]>();
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => socket.send(answerTo(query, hosts), port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, addresses) => void hosts.set(name, addresses),
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function answerTo(query: Buffer, hosts: ReadonlyMap<string, readonly string[]>): Buffer {
  const nameEnd = query.indexOf(0, headerBytes);
  const question = query.subarray(headerBytes, nameEnd + 5);
  const firstLabel = query.toString('latin1', headerBytes + 1, headerBytes + 1 + (query[headerBytes] ?? 0));
  const addresses = query.readUInt16BE(nameEnd + 1) === typeA ? (hosts.get(firstLabel.toLowerCase()) ?? []) : [];
  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2);
  // A response, with recursion wanted and available; one question.
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  return Buffer.concat([header, question, ...addresses.map(addressRecord)]);
}

/** An answer for the name in the question, with a TTL of 0. */
function addressRecord(address: string): Buffer {
  const record = Buffer.from([0xc0, headerBytes, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
  address.split('.').forEach((part, index) => record.writeUInt8(Number(part), 12 + index));
  return record;
}
