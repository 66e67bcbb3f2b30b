import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** A name server on 127.0.0.1, whose answers have a TTL of 0. */
export interface NameServer {
  /** `host:port`. */
  address: string;
  /** Sets the IPv4 addresses of a name, which is matched up to its first dot. */
  set(name: string, hosts: readonly string[]): void;
  stop(): Promise<void>;
}

/** TXT records by full name. Null for a name of which the server says that it cannot answer. */
export type NameTexts = Readonly<Record<string, readonly string[] | null>>;

const headerBytes = 12;
const typeA = 1;
const typeText = 16;

/** Bytes of one string of a TXT record. */
const stringBytes = 255;

/** A response, with recursion wanted and available. */
const answered = 0x8180;
const failed = 0x8182;

/**
 * Starts a name server without names. It answers queries for addresses and TXT records over UDP (RFC 1035).
 *
 * @param textsFile a file with `NameTexts` as JSON, which other processes change. It is read for each query
 */
export async function startNameServer(textsFile?: string): Promise<NameServer> {
  const hosts = new Map<string, readonly string[]>();
  const answersFor = (labels: readonly string[], type: number) => {
    if (type === typeA) return (hosts.get(labels[0] ?? '') ?? []).map(addressRecord);
    if (type !== typeText || textsFile === undefined) return [];
    const texts = (JSON.parse(readFileSync(textsFile, 'utf8')) as NameTexts)[labels.join('.')];
    return texts === null ? undefined : (texts ?? []).map(textRecord);
  };
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => socket.send(answerTo(query, answersFor), port, address));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    set: (name, addresses) => void hosts.set(name, addresses),
    stop: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

type AnswersFor = (labels: readonly string[], type: number) => Buffer[] | undefined;

function answerTo(query: Buffer, answersFor: AnswersFor): Buffer {
  const nameEnd = query.indexOf(0, headerBytes);
  const question = query.subarray(headerBytes, nameEnd + 5);
  const answers = answersFor(labelsOf(query), query.readUInt16BE(nameEnd + 1));
  const header = Buffer.alloc(headerBytes);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(answers ? answered : failed, 2);
  // One question.
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers?.length ?? 0, 6);
  return Buffer.concat([header, question, ...(answers ?? [])]);
}

function labelsOf(query: Buffer): string[] {
  const labels: string[] = [];
  for (let at = headerBytes; query[at]; at += 1 + query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!).toLowerCase());
  }
  return labels;
}

function addressRecord(address: string): Buffer {
  return record(typeA, Buffer.from(address.split('.').map(Number)));
}

function textRecord(text: string): Buffer {
  const bytes = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += stringBytes) {
    const part = bytes.subarray(at, at + stringBytes);
    strings.push(Buffer.from([part.length]), part);
  }
  return record(typeText, Buffer.concat(strings));
}

/** An answer for the name in the question, with a TTL of 0. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.from([0xc0, headerBytes, 0, type, 0, 1, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
