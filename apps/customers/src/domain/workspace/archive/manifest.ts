import { z } from 'zod';
import { archiveInvalid } from './archive-error.js';

export const manifestName = 'manifest.json';

/** Raised when an archive of before can't be read any more. */
export const formatVersion = 1;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const schema = z.object({
  format: z.literal('rapport-workspace'),
  formatVersion: z.literal(formatVersion),
  /** Id of the workspace that was exported. */
  tenantId: z.uuid(),
  /** Of the moment whose data it is. */
  snapshotTime: z.iso.datetime(),
  /** The files with lines, in the order of the archive. */
  files: z.array(z.object({ name: z.string(), records: count, bytes: count, sha256 })).max(1_000_000),
  /** The files that records have, each called as the hash of its bytes. */
  contents: z.object({ files: count, bytes: count }),
  /** What hashes of suppressed addresses were made with: the key, and what stands for the tenant. */
  suppressions: z.object({ keyFingerprint: z.string(), space: z.uuid() }),
});

/** What an archive says of itself, as its last file. */
export type Manifest = z.infer<typeof schema>;

export type ManifestFile = Manifest['files'][number];

/** @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID */
export function readManifest(text: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw archiveInvalid(`${manifestName} is no JSON.`);
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const [issue] = error.issues;
  throw archiveInvalid(`${manifestName}: ${issue?.path.join('.') ?? ''} is not what this release writes.`);
}
