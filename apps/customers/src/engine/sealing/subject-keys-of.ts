import { MasterKeys } from '@rapport/platform';
import { SubjectKeys } from './subject-keys.js';

/** The keys of personal data from the configuration; undefined when none are configured. @throws Error when a setting is missing */
export function subjectKeysOf({
  KEYS_DATABASE_URL: databaseUrl,
  MASTER_KEY: masterKey,
  RETIRED_MASTER_KEYS: retired,
}: {
  KEYS_DATABASE_URL?: string | undefined;
  MASTER_KEY?: Buffer | undefined;
  RETIRED_MASTER_KEYS: readonly Buffer[];
}): SubjectKeys | undefined {
  if (databaseUrl === undefined && masterKey === undefined) return undefined;
  if (databaseUrl !== undefined && masterKey !== undefined) {
    return new SubjectKeys(databaseUrl, new MasterKeys(masterKey, retired));
  }
  throw new Error('KEYS_DATABASE_URL and MASTER_KEY must be set together.');
}
