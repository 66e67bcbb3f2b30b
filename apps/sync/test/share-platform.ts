import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformCertificates, ScriptedClamd, SecretFiles, sharePlatform, startNameServer } from '@rapport/testing';
import type { TestProject } from 'vitest/node';
import { syncPlatformOptions } from './sync-platform.ts';

declare module 'vitest' {
  interface ProvidedContext {
    platformUrl: string;
    /** Folder of an authority whose certificates the shared platform trusts. */
    receiverAuthority: string;
    /** File with the TXT records that checks of the shared platform see: `NameTexts` as JSON. */
    dnsTextsFile: string;
  }
}

/** One platform for all test files that only need a tenant. */
export default async function share(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-receivers-'));
  const receivers = await PlatformCertificates.in(await SecretFiles.in(folder));
  receivers.stop();
  const dnsTextsFile = join(folder, 'texts.json');
  await writeFile(dnsTextsFile, '{}');
  const names = await startNameServer(dnsTextsFile);
  const clamd = await ScriptedClamd.start();
  const shared = await sharePlatform(
    syncPlatformOptions(
      { NODE_EXTRA_CA_CERTS: receivers.authority, DNS_SERVERS: names.address, CLAMD_ADDRESS: clamd.address },
      // All tests come from one address.
      { edgeEnv: { FAILED_AUTHENTICATIONS_PER_MINUTE: '100000', ANONYMOUS_UNITS_PER_MINUTE: '1000000000' } },
    ),
  );
  project.provide('platformUrl', shared.url);
  project.provide('receiverAuthority', folder);
  project.provide('dnsTextsFile', dnsTextsFile);
  return async () => {
    await shared.stop();
    await names.stop();
    clamd.stop();
    await rm(folder, { recursive: true });
  };
}
