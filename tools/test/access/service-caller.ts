import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { areaOf, ContractClient, PrincipalSigner, ServiceCertificates, serviceDefinitions } from '@rapport/contracts';
import { AppError, createLogger, type Caller } from '@rapport/platform';
import type { SharedPlatform } from '@rapport/testing';
import { fileTypeOf, type OperationRequest } from './requests.ts';
import type { SeenAnswer } from './rest-caller.ts';

const deadlineMs = 5_000;
/** How long to wait for a stream that may stay silent. */
const silenceMs = 1_000;

/** Calls the services of a platform past its edge, with a certificate of one of its processes. */
export class ServiceCaller {
  readonly #clients: ReadonlyMap<string, ContractClient>;
  readonly #principals: PrincipalSigner;

  private constructor(clients: ReadonlyMap<string, ContractClient>, principals: PrincipalSigner) {
    this.#clients = clients;
    this.#principals = principals;
  }

  /** @param process process whose certificate is used */
  static async of({ serviceAddresses, trust }: SharedPlatform, process = 'edge'): Promise<ServiceCaller> {
    const certificates = new ServiceCertificates(await trust.certificatesOf(process), createLogger('test', 'silent'));
    const clients = Object.entries(serviceAddresses).map(
      ([area, address]) =>
        [area, new ContractClient(address, serviceDefinitions, { certificates, serviceName: area })] as const,
    );
    const principals = await PrincipalSigner.of(createPrivateKey(await readFile(trust.signingKeyFile)));
    return new ServiceCaller(new Map(clients), principals);
  }

  /** Makes a call as `caller`, and reads no more of a stream than its first message. */
  ask(request: OperationRequest, caller: Caller): Promise<SeenAnswer> {
    return this.askWithToken(request, this.#principals.sign(caller));
  }

  async askWithToken(request: OperationRequest, principalToken: string): Promise<SeenAnswer> {
    let answer = await this.#askOnce(request, principalToken);
    // An export that was left before keeps its place until its service knows.
    while (answer.reason === 'TOO_MANY_EXPORTS') answer = await this.#askOnce(request, principalToken);
    return answer;
  }

  /** Opens a bidirectional stream as `caller`, or as the process itself, and waits for its first message. */
  async askByBothTransports(path: string, message: unknown, caller: Caller | undefined): Promise<SeenAnswer> {
    const requests = async function* () {
      yield message;
    };
    return seen(async () => {
      const answers = this.#client(path).duplex(path, requests(), {
        ...callWith(caller && this.#principals.sign(caller)),
        deadlineMs,
      });
      for await (const first of answers) return first;
      return undefined;
    });
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  async #askOnce({ route, parts, file }: OperationRequest, principalToken: string): Promise<SeenAnswer> {
    const { path, requestStream, responseStream } = route.method;
    const message = route.toMessage(parts);
    const signal = responseStream ? AbortSignal.timeout(silenceMs) : undefined;
    const options = { ...callWith(principalToken), deadlineMs, ...(signal && { signal }) };
    const call = async () => {
      const client = this.#client(path);
      if (requestStream) return client.upload(path, uploads(route, message, file ?? ''), options);
      const whole = file === undefined ? message : { ...message, ...piece(route, fileTypeOf(route), file) };
      if (!responseStream) return client.unary(path, whole, options);
      for await (const first of client.stream(path, message, options)) return first;
      return undefined;
    };
    return seen(call, signal);
  }

  #client(path: string): ContractClient {
    const client = this.#clients.get(areaOf(path));
    if (!client) throw new Error(`No service answers ${path}.`);
    return client;
  }
}

function callWith(principalToken: string | undefined) {
  return { context: { requestId: crypto.randomUUID(), principalToken } };
}

async function* uploads(route: OperationRequest['route'], message: Record<string, unknown>, file: string) {
  yield { ...message, ...piece(route, fileTypeOf(route), '') };
  yield { ...message, ...piece(route, '', file) };
  // Marks the end of the file.
  yield { ...message, ...piece(route, '', '') };
}

/** A part of a file, or a whole one, in the field of the body. */
function piece(route: OperationRequest['route'], contentType: string, text: string) {
  return { [route.fields.body?.jsonName ?? '']: { contentType, data: Buffer.from(text), extensions: [] } };
}

async function seen(call: () => Promise<unknown>, silence?: AbortSignal): Promise<SeenAnswer> {
  try {
    const answer = await call();
    return { status: 'OK', reason: undefined, rest: JSON.stringify(answer ?? null), body: answer };
  } catch (error) {
    if (silence?.aborted) return { status: 'OK', reason: undefined, rest: '', body: undefined };
    if (!(error instanceof AppError)) throw error;
    const { code, reason, message, violations, metadata, retryAfterSeconds } = error;
    const details = { message, violations, metadata, retryAfterSeconds };
    return { status: code, reason, rest: JSON.stringify(details), body: details };
  }
}
