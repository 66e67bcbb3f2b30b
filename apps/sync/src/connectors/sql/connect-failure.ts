import { connect, type Socket } from 'node:net';
import type { ViolationCode } from '@rapport/platform';
import { configurationError, type ConnectorError } from '../connector-error.js';
import type { SqlConfiguration } from './sql-configuration.js';

/** Timeout of a server for its first bytes, which identify its protocol. */
const greetingMs = 2_000;

const engineNames = { POSTGRESQL: 'PostgreSQL', MARIADB: 'MariaDB' };

/** Error codes of Node.js and the drivers for an untrusted certificate. */
const untrusted =
  /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HANDSHAKE_SSL_ERROR|^ERR_SSL_|^ERR_TLS_|^ERR_OSSL_/;
const withoutTls = /HANDSHAKE_NO_SSL_SUPPORT|does not support SSL/i;

/**
 * Finds the setting that made a connection fail, where possible.
 *
 * @param address of the host of the configuration
 * @param error of the driver, which does not distinguish database systems
 */
export async function connectFailure(
  { engine, port }: SqlConfiguration,
  address: string,
  error: Error,
): Promise<ConnectorError> {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const fault = (pointer: string, reason: ViolationCode, description: string, passes = false) =>
    configurationError(pointer, { reason, description }, { reason: passes ? 'UNAVAILABLE' : 'INVALID', cause: error });
  if (withoutTls.test(`${code} ${message}`)) {
    return fault('/tls', 'TLS_UNSUPPORTED', 'The server takes no encrypted connections.');
  }
  if (untrusted.test(code)) {
    return fault('/certificateAuthority', 'TLS_UNTRUSTED', `The certificate of the server is not trusted (${code}).`);
  }
  if (code === 'ECONNREFUSED') {
    return fault('/port', 'CONNECTION_REFUSED', 'No server listens at this port of the host.', true);
  }
  const protocol = await protocolAt(address, port);
  switch (protocol) {
    case 'POSTGRESQL':
    case 'MARIADB':
      return protocol === engine
        ? fault('/host', 'UNREACHABLE', 'The database ended the connection.', true)
        : fault('/engine', 'WRONG_ENGINE', `The server at this port is ${engineNames[protocol]}.`);
    case 'OTHER':
      return fault('/port', 'WRONG_PORT', `The server at this port is not ${engineNames[engine]}.`);
    case 'SILENT':
      return fault('/port', 'NO_ANSWER', 'The server at this port does not answer.', true);
    case 'UNREACHABLE':
      return fault('/host', 'UNREACHABLE', 'The database cannot be reached.', true);
    default:
      return protocol satisfies never;
  }
}

type Protocol = SqlConfiguration['engine'] | 'OTHER' | 'SILENT' | 'UNREACHABLE';

/** MariaDB sends the first packet; PostgreSQL answers an SSLRequest with one letter. */
async function protocolAt(address: string, port: number): Promise<Protocol> {
  const socket = connect({ host: address, port });
  try {
    if (!(await opened(socket))) return 'UNREACHABLE';
    const greeting = await firstBytes(socket);
    if (greeting) return isMariadb(greeting) ? 'MARIADB' : 'OTHER';
    // SSLRequest.
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    const answer = await firstBytes(socket);
    if (!answer) return socket.readableEnded ? 'OTHER' : 'SILENT';
    return answer.length === 1 && 'SN'.includes(answer.toString('latin1')) ? 'POSTGRESQL' : 'OTHER';
  } finally {
    socket.destroy();
  }
}

/** A handshake of protocol version 10, or an error; both are the first packet of the connection. */
function isMariadb(greeting: Buffer): boolean {
  return greeting[3] === 0 && (greeting[4] === 10 || greeting[4] === 255);
}

function opened(socket: Socket): Promise<boolean> {
  return settled(socket, 'connect', () => true, false);
}

/** Undefined after the timeout, or when the connection ends. */
function firstBytes(socket: Socket): Promise<Buffer | undefined> {
  return settled<Buffer | undefined>(socket, 'data', (bytes) => bytes, undefined);
}

function settled<Value>(
  socket: Socket,
  event: string,
  read: (value: Buffer) => Value,
  otherwise: Value,
): Promise<Value> {
  return new Promise((resolve) => {
    const end = (value: Value) => {
      clearTimeout(timer);
      for (const name of [event, 'error', 'end']) socket.removeAllListeners(name);
      socket.on('error', () => undefined);
      resolve(value);
    };
    const timer = setTimeout(() => end(otherwise), greetingMs);
    socket.once(event, (value: Buffer) => end(read(value)));
    for (const name of ['error', 'end']) socket.once(name, () => end(otherwise));
  });
}
