import { join } from 'node:path';
import { callAndWait } from './call-and-wait.ts';
import type { GrpcRequest } from './invoke-grpc.ts';

interface ConnectParams {
  tls?: GrpcRequest['tls'];
}

/** Stands in for `k6/net/grpc`. Server names resolve to this machine, and to the server whose certificate has the name. */
export function grpcModule(
  stage: { readonly isInit: boolean },
  root: string,
): { Client: new () => object; StatusOK: number } {
  class Client {
    #files: Pick<GrpcRequest, 'importPaths' | 'files'> | undefined;
    #connection: { address: string; tls: NonNullable<ConnectParams['tls']> } | undefined;

    load(importPaths: string[], ...files: string[]): void {
      if (!stage.isInit) throw new Error('k6 loads proto files only while it loads a script.');
      this.#files = { importPaths: importPaths.map((path) => join(root, path)), files };
    }

    connect(address: string, { tls }: ConnectParams = {}): void {
      if (stage.isInit) throw new Error('k6 opens no connections while it loads a script.');
      if (!tls) throw new Error('Services refuse connections without a certificate.');
      this.#connection = { address, tls };
    }

    invoke(method: string, request: object, { metadata = {} }: { metadata?: Record<string, string> } = {}) {
      if (!this.#files || !this.#connection) throw new Error('k6 needs the proto files and a connection first.');
      if (!/^\/?[\w.]+\/\w+$/.test(method)) throw new Error(`k6 has no method ${method}.`);
      const input: GrpcRequest = { ...this.#files, ...this.#connection, method, request, metadata };
      // Plain JSON, as k6 makes it of a script's values.
      const plain = JSON.parse(JSON.stringify(input)) as GrpcRequest;
      return callAndWait({ kind: 'grpc', request: plain });
    }
  }
  return { Client, StatusOK: 0 };
}
