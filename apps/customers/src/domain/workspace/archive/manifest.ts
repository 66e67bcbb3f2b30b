import { z } from 'zod';
import { archiveInvalid } from './archive-error.js';
import { isParsable } from './lines.js';

export const manifestName = 'manifest.json';

/** Increment it when earlier archives can't be read any more. */
export const formatVersion = 1;

/** Most files with lines: parts of 1 MiB, of which an upload has at most 4 GiB. */
export const maxFiles = 10_000;

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const schema = z.object({
  format: z.literal('rapport-workspace'),
  formatVersion: z.literal(formatVersion),
  /** Id of the exported workspace. */
  tenantId: z.uuid(),
  /** Time of the exported snapshot. */
  snapshotTime: z.iso.datetime(),
  /** The files with lines, in the order of the archive. */
  files: z.array(z.object({ name: z.string(), records: count, bytes: count, sha256 })).max(maxFiles),
  /** The files of records, each named by the hash of its bytes. */
  contents: z.object({ files: count, bytes: count }),
  /** The inputs of hashes of suppressed addresses: the key, and the value used in place of the tenant id. */
  suppressions: z.object({ keyFingerprint: z.string(), space: z.uuid() }),
});

/** The description of an archive, in its last file. */
export type Manifest = z.infer<typeof schema>;

export type ManifestFile = Manifest['files'][number];

/** @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID */
export function readManifest(text: string): Manifest {
  if (!isParsable(text)) throw archiveInvalid(`${manifestName} has too many values.`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw archiveInvalid(`${manifestName} is not JSON.`);
  }
  const { success, data, error } = schema.safeParse(json);
  if (success) return data;
  const [issue] = error.issues;
  throw archiveInvalid(`${manifestName}: ${issue?.path.join('.') ?? ''} is not valid for this release.`);
}
