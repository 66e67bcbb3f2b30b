// Makes the unary call that is written to it, and writes the answer.
import { json } from 'node:stream/consumers';
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

const { importPaths, files, address, tls, method, request, metadata } = (await json(process.stdin)) as GrpcRequest;
const [name, port] = address.split(':');
const [service = '', call = ''] = method.replace(/^\//, '').split('/');
const types = loadPackageDefinition(loadSync(files, { includeDirs: importPaths }));
const Service = service.split('.').reduce((parent, part) => parent[part] as typeof types, types);
const client = new (Service as unknown as ServiceClientConstructor)(
  `127.0.0.1:${port}`,
  credentials.createSsl(Buffer.from(tls.cacerts), Buffer.from(tls.key), Buffer.from(tls.cert)),
  { 'grpc.ssl_target_name_override': name },
);
const sent = new Metadata();
for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
const unary = client[call];
if (!unary) throw new Error(`There is no method ${method}.`);
unary.call(client, request, sent, (error: (Error & { code: number }) | null, message: unknown) => {
  const answer: GrpcAnswer = { status: error?.code ?? 0, message, error: error && { message: error.message } };
  process.stdout.write(JSON.stringify(answer));
  client.close();
});
