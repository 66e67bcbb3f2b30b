import { credentials, loadPackageDefinition, Metadata, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface GrpcRequest {
  importPaths: string[];
  files: string[];
  /** Name of the server, as in its certificate, and port. */
  address: string;
  /** PEM. */
  tls: { cert: string; key: string; cacerts: string };
  method: string;
  request: object;
  metadata: Record<string, string>;
}

export interface GrpcAnswer {
  status: number;
  message: unknown;
  error: { message: string } | null;
}

export async function invokeGrpc({ importPaths, files, address, tls, ...call }: GrpcRequest): Promise<GrpcAnswer> {
  const [name, port] = address.split(':');
  const [service = '', method = ''] = call.method.replace(/^\//, '').split('/');
  const types = loadPackageDefinition(loadSync(files, { includeDirs: importPaths }));
  const Service = service.split('.').reduce((parent, part) => parent[part] as typeof types, types);
  const client = new (Service as unknown as ServiceClientConstructor)(
    `127.0.0.1:${port}`,
    credentials.createSsl(Buffer.from(tls.cacerts), Buffer.from(tls.key), Buffer.from(tls.cert)),
    { 'grpc.ssl_target_name_override': name },
  );
  const sent = new Metadata();
  for (const [key, value] of Object.entries(call.metadata)) sent.set(key, value);
  const unary = client[method];
  if (!unary) throw new Error(`There is no method ${call.method}.`);
  try {
    return await new Promise((resolve) => {
      unary.call(client, call.request, sent, (error: (Error & { code: number }) | null, message: unknown) =>
        resolve({ status: error?.code ?? 0, message, error: error && { message: error.message } }),
      );
    });
  } finally {
    client.close();
  }
}
