import { ContractClient, serviceDefinitions } from '@rapport/contracts';
import { AppError, type Caller } from '@rapport/platform';
import type { Platform } from '@rapport/testing';
import type { OperationRequest } from './requests.ts';
import type { SeenAnswer } from './rest-caller.ts';

const deadlineMs = 5_000;
/** How long a stream that may stay silent is waited for. */
const silenceMs = 1_000;

/** Calls the services of a platform past its edge. */
export class ServiceCaller {
  readonly #clients: ReadonlyMap<string, ContractClient>;

  private constructor(clients: ReadonlyMap<string, ContractClient>) {
    this.#clients = clients;
  }

  static of({ serviceAddresses }: Platform): ServiceCaller {
    const clients = Object.entries(serviceAddresses).map(
      ([area, address]) => [area, new ContractClient(address, serviceDefinitions)] as const,
    );
    return new ServiceCaller(new Map(clients));
  }

  /** Makes a call as `caller`, or as nobody, and reads no more of a stream than its first message. */
  async ask({ route, parts, file }: OperationRequest, caller: Caller | undefined): Promise<SeenAnswer> {
    const { path, requestStream, responseStream } = route.method;
    const message = route.toMessage(parts);
    const signal = responseStream ? AbortSignal.timeout(silenceMs) : undefined;
    const options = { ...callAs(caller), deadlineMs, ...(signal && { signal }) };
    const call = async () => {
      const client = this.#client(path);
      if (requestStream) return client.upload(path, uploads(route, message, file ?? ''), options);
      if (!responseStream) return client.unary(path, message, options);
      for await (const first of client.stream(path, message, options)) return first;
      return undefined;
    };
    return seen(call, signal);
  }

  /** Opens a stream in both directions, and waits for its first message. */
  async askBothWays(path: string, message: unknown, caller: Caller | undefined): Promise<SeenAnswer> {
    const requests = async function* () {
      yield message;
    };
    return seen(async () => {
      const answers = this.#client(path).duplex(path, requests(), { ...callAs(caller), deadlineMs });
      for await (const first of answers) return first;
      return undefined;
    });
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  #client(path: string): ContractClient {
    const client = this.#clients.get(path.split('.')[1] ?? '');
    if (!client) throw new Error(`No service answers ${path}.`);
    return client;
  }
}

/** How a caller is told to a service: the one place that knows it. */
function callAs(caller: Caller | undefined) {
  return { context: { requestId: crypto.randomUUID(), caller } };
}

async function* uploads(route: OperationRequest['route'], message: Record<string, unknown>, file: string) {
  const name = route.fields.body?.jsonName ?? '';
  const piece = (contentType: string, text: string) => ({ contentType, data: Buffer.from(text), extensions: [] });
  yield { ...message, [name]: piece('text/csv', '') };
  yield { ...message, [name]: piece('', file) };
  // Says that the file is complete.
  yield { ...message, [name]: piece('', '') };
}

async function seen(call: () => Promise<unknown>, silence?: AbortSignal): Promise<SeenAnswer> {
  try {
    const answer = await call();
    return { status: 'OK', reason: undefined, rest: JSON.stringify(answer ?? null), body: answer };
  } catch (error) {
    if (silence?.aborted) return { status: 'OK', reason: undefined, rest: '', body: undefined };
    if (!(error instanceof AppError)) throw error;
    const { code, reason, message, violations, metadata, retryAfterSeconds } = error;
    const told = { message, violations, metadata, retryAfterSeconds };
    return { status: code, reason, rest: JSON.stringify(told), body: told };
  }
}
