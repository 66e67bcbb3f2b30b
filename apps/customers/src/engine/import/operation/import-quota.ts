import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError, currentCaller } from '@rapport/platform';

/** Bytes of a file between two checks. */
const checkEveryBytes = 1_024 * 1_024;

/**
 * Checks the tenant's quota of waiting import files, about once per mebibyte of a file.
 *
 * @param received bytes of the file so far
 * @param more bytes to store next
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
  const message = `The files of unfinished imports exceed the quota of ${quotaBytes} bytes. Wait until some finish, or cancel them.`;
  throw new AppError('RESOURCE_EXHAUSTED', 'IMPORT_QUOTA', message, { retryAfterSeconds: 60 });
}
