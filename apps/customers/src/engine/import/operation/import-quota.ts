import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';

/** Bytes of a file between two checks. */
const checkEveryBytes = 1_024 * 1_024;

/**
 * Checks, about once for each mebibyte of a file, that the files which wait to be imported leave room for more.
 *
 * @param received bytes of the file so far
 * @param more bytes that are to be stored
 * @throws AppError RESOURCE_EXHAUSTED IMPORT_QUOTA
 */
export async function checkImportQuota(
  em: EntityManager,
  quotaBytes: number,
  received: number,
  more: number,
): Promise<void> {
  const checks = (bytes: number) => Math.ceil(bytes / checkEveryBytes);
  if (checks(received) === checks(received + more)) return;
  const [kept] = await em.execute<{ bytes: string }[]>(
    'select coalesce(sum(octet_length(data)), 0) as bytes from import_piece where tenant_id = ?',
    [currentCaller().tenantId],
  );
  if (Number(kept?.bytes) < quotaBytes) return;
  const message = `The files of imports that have not ended take all of ${quotaBytes} bytes. Wait until some end, or cancel them.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'IMPORT_QUOTA', message, { retryAfterSeconds: 60 });
}
