import type { IncomingMessage } from 'node:http';
import type { HttpStep } from '@rapport/contracts/rapport/flows/v1/steps';
import { OutgoingError, type OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import { runProof } from './run-proof.js';
import { EffectError, type EffectCall, type EffectOutcome, type Json, type JsonObject } from './effect-port.js';
import { textIn } from './record-values.js';

const defaultTimeoutSeconds = 10;
const maxBodyBytes = 256 * 1_024;

/** Says how many automatic steps have led to a request, so that loops over the addresses of flows end. */
export const hopHeader = 'rapport-hop';

/** Proves which run of the platform has made a request, so that the address of a flow knows the runs that led to it. */
export const runHeader = 'rapport-run';

/** Headers that the client sets: a step that sets them could end the request early, or begin another one. */
const refusedHeaders =
  /^(?:host|connection|content-length|expect|idempotency-key|keep-alive|rapport-hop|rapport-run|te|trailer|transfer-encoding|upgrade|proxy-.*)$/;

/** Reads secrets of tenants. */
export interface SecretReader {
  /** Undefined if there is none with the name. */
  read(tenantId: string, name: string): Promise<string | undefined>;
}

/** Calls another system for a step `http`, with the effect key as `Idempotency-Key`. */
export class HttpEffect {
  constructor(
    private readonly http: OutgoingHttp,
    private readonly secrets: SecretReader,
    private readonly envelope: Pick<SecretEnvelope, 'seal'>,
  ) {}

  /** @throws EffectError */
  async perform(call: EffectCall, step: HttpStep, signal: AbortSignal): Promise<EffectOutcome> {
    const { input } = call;
    const method = textIn(input, 'method');
    const isBodiless = method === 'GET' || method === 'DELETE';
    const body = isBodiless || input['body'] === undefined ? '' : JSON.stringify(input['body']);
    const timeoutSeconds = step.timeoutSeconds ?? defaultTimeoutSeconds;
    const request = {
      ...{ method, url: textIn(input, 'url'), body: Buffer.from(body) },
      headers: await this.#headers(call, body !== ''),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)]),
    };
    if (!URL.canParse(request.url)) throw new EffectError('HTTP_URL_INVALID', 'The address is no URL.', 'FINAL');
    const output = await this.#exchange(request, step);
    checkStatus(Number(output['status']), step);
    return { output, ...(method !== 'GET' && { undo: { kind: 'HTTP' } }) };
  }

  async #headers(
    { input, tenantId, runId, effectKey, hop }: EffectCall,
    hasBody: boolean,
  ): Promise<Record<string, string>> {
    const given = Object.entries(input['headers'] as Readonly<Record<string, string>>);
    const headers = Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value]));
    const refused = Object.entries(headers).find(
      ([name, value]) => refusedHeaders.test(name) || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name) || !/^[\t -~]*$/.test(value),
    );
    if (refused) throw new EffectError('HTTP_HEADER_INVALID', `The header ${refused[0]} can not be sent.`, 'FINAL');
    const secret = await this.#secret(tenantId, input['secretName']);
    return {
      ...{
        accept: 'application/json',
        'user-agent': 'Rapport',
        ...(hasBody && { 'content-type': 'application/json' }),
      },
      ...headers,
      ...(secret !== undefined && { authorization: `Bearer ${secret}` }),
      'idempotency-key': effectKey,
      [hopHeader]: String(hop),
      [runHeader]: runProof(this.envelope, tenantId, runId),
    };
  }

  async #secret(tenantId: string, name: Json | undefined): Promise<string | undefined> {
    if (typeof name !== 'string') return undefined;
    const secret = await this.secrets.read(tenantId, name);
    if (secret === undefined) throw new EffectError('FLOW_SECRET_NOT_FOUND', `There is no secret ${name}.`, 'FINAL');
    return secret;
  }

  async #exchange(request: Parameters<OutgoingHttp['exchange']>[0], step: HttpStep): Promise<JsonObject> {
    try {
      const { status, headers, stream } = await this.http.exchange(request);
      const text = await textOf(stream);
      return { status, headers: storable(Object.fromEntries(headers)), body: storable(jsonOrText(text)) };
    } catch (error) {
      throw failure(error, step, request.signal);
    }
  }
}

/** Whether a call may be repeated if its outcome is not known, such as after the end of a process. */
export function isRepeatable({ http }: { http?: HttpStep | undefined }): boolean {
  return !http?.isUnrepeatable;
}

function failure(error: unknown, { isUnrepeatable }: HttpStep, signal: AbortSignal): EffectError {
  const reason = error instanceof OutgoingError ? error.reason : 'CONNECTION_FAILED';
  if (reason === 'ADDRESS_NOT_ALLOWED') {
    return new EffectError('HTTP_ADDRESS_NOT_ALLOWED', 'The address can not be called.', 'FINAL');
  }
  const code = `HTTP_${reason === 'ABORTED' && (signal.reason as Error).name === 'TimeoutError' ? 'TIMEOUT' : reason}`;
  const { code: driver = '' } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  const isUnsent = reason === 'NAME_NOT_FOUND' || reason === 'TLS_FAILED' || driver === 'ECONNREFUSED';
  return new EffectError(code, 'There was no answer.', isUnrepeatable && !isUnsent ? 'UNCERTAIN' : 'PASSING');
}

/** @throws EffectError HTTP_STATUS */
function checkStatus(status: number, { expectedStatuses, isUnrepeatable }: HttpStep): void {
  const isExpected = expectedStatuses.length === 0 ? status >= 200 && status < 300 : expectedStatuses.includes(status);
  if (isExpected) return;
  throw new EffectError('HTTP_STATUS', `The answer has the status ${status}.`, statusKind(status, isUnrepeatable));
}

function statusKind(status: number, isUnrepeatable: boolean): EffectError['kind'] {
  // The other system has refused to work.
  if (status === 429 || status === 503) return 'PASSING';
  if (status === 408 || status >= 500) return isUnrepeatable ? 'UNCERTAIN' : 'PASSING';
  return 'FINAL';
}

async function textOf(stream: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    pieces.push(piece as Buffer);
    bytes += (piece as Buffer).length;
    // Leaving the loop destroys the stream.
    if (bytes >= maxBodyBytes) break;
  }
  return Buffer.concat(pieces).subarray(0, maxBodyBytes).toString('utf8');
}

function jsonOrText(text: string): Json {
  if (text === '') return null;
  try {
    return JSON.parse(text) as Json;
  } catch {
    // Not JSON: the contract says that it is text then.
    return text;
  }
}

/** JSON that PostgreSQL can store: without the character U+0000 and unpaired surrogates. */
function storable(value: Json): Json {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(storable);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [storable(name) as string, storable(item)]));
}
