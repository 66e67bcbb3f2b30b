import { once } from 'node:events';
import { credentials } from '@grpc/grpc-js';
import { fromGrpcError } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { Operation_State as State, type Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { WorkspaceServiceClient, WorkspaceServiceService } from '@rapport/contracts/rapport/work/v1/workspace_service';
import { expect } from 'vitest';
import { someone, type EncryptedTenant } from './encrypted-tenant.js';
import { FilesTenant } from './files-tenant.js';
import { body } from './operation-tenant.js';

interface Manifest {
  files: { name: string; sha256: string }[];
}

/** Adds people, consents, a merge and files to an encrypted workspace, with the mark in each personal value. */
export async function fillWorkspace(tenant: EncryptedTenant, mark: string): Promise<{ ada: string; file: string }> {
  const { customers, caller } = tenant;
  const ada = await tenant.create(someone(`${mark}ada`));
  const twin = await tenant.create(someone(`${mark}twin`));
  await tenant.consent(ada.id, `${mark} said yes`);
  await customers.call('mergeCustomers', { id: ada.id, merge: { mergedId: twin.id, preferMerged: [] } }, caller);
  await customers.delete(caller, (await tenant.create(someone(`${mark}gone`))).id);
  const files = await FilesTenant.create(customers, caller);
  const data = Buffer.alloc(300_000, mark);
  const { id } = await files.addFile(`customers/${ada.id}`, data, { name: `${mark}one.txt` });
  await files.addFile(`customers/${ada.id}`, data, { name: `${mark}other.txt` });
  await files.close();
  return { ada: ada.id, file: id };
}

/** Exports the workspace of a tenant. @returns the id of the operation */
export async function exportArchive(tenant: EncryptedTenant): Promise<string> {
  const { id } = await tenant.customers.call('exportWorkspace', {}, tenant.caller);
  expect(await tenant.untilEnded(id)).toMatchObject({ state: State.SUCCEEDED, error: undefined });
  return id;
}

/** Downloads the archive of an export. */
export async function downloadArchive({ customers, caller }: EncryptedTenant, id: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const options = { context: customers.outgoing(caller), deadlineMs: 20_000 };
  for await (const piece of customers.streams.stream(
    WorkspaceServiceService.downloadWorkspaceExport.path,
    { id },
    options,
  ))
    pieces.push((piece as HttpBody).data);
  return Buffer.concat(pieces);
}

/** Uploads an archive, or the first part of one. */
export async function uploadArchive(
  { customers, caller }: EncryptedTenant,
  id: string,
  data: Buffer,
  { complete = true, offset = 0 } = {},
): Promise<Operation> {
  const client = new WorkspaceServiceClient('', credentials.createInsecure(), {
    channelOverride: customers.client.getChannel(),
  });
  const { promise: answer, resolve, reject } = Promise.withResolvers<Operation>();
  const call = client.uploadWorkspaceArchive(customers.metadataOf(caller), (error, operation) => {
    if (error) reject(fromGrpcError(error));
    else resolve(operation);
  });
  // The error of a refusal arrives with the response.
  call.on('error', () => undefined);
  call.write({ id, offset, complete, archive: body(new Uint8Array()) });
  for (let start = 0; start < data.length; start += 100_000) {
    const message = { id: '', archive: body(data.subarray(start, start + 100_000)) };
    if (!call.write(message)) await Promise.race([once(call, 'drain'), answer.catch(() => undefined)]);
  }
  call.write({ id: '', archive: body(new Uint8Array()) });
  call.end();
  return answer;
}

/** The hashes of the parts of an archive, and the names of its files, which contain theirs. */
export function hashesIn(archive: Buffer): { parts: Record<string, string>; files: string[] } {
  const names = namesIn(archive);
  const { start, size } = names.get('manifest.json')!;
  const { files } = JSON.parse(archive.toString('utf8', start, start + size)) as Manifest;
  return {
    parts: Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256])),
    files: [...names.keys()].filter((name) => name.startsWith('files/')),
  };
}

function namesIn(archive: Buffer): Map<string, { start: number; size: number }> {
  const names = new Map<string, { start: number; size: number }>();
  for (let place = 0; archive[place];) {
    const name = archive.toString('utf8', place, archive.indexOf(0, place));
    const size = Number.parseInt(archive.toString('latin1', place + 124, place + 135), 8);
    names.set(name, { start: place + 512, size });
    place += 512 + Math.ceil(size / 512) * 512;
  }
  return names;
}
