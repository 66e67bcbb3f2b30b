/**
 * Operator's command that says which keys the database of auth needs, one line of JSON for each:
 *
 *     node apps/auth/dist/keys-in-use.js
 *
 * It exits with 1 while a key other than the current one is in use, besides one that verifies audit heads. What an earlier release
 * stored, and nobody used since, is `UNRECORDED`: it may need any key. `UNKNOWN` is a key that is not configured: what is stored
 * under it is refused until it is. What ended or expired counts as none.
 */
import type { EntityManager } from '@mikro-orm/postgresql';
import { AuditKeys, printStoredKeyUses, readForTenant, type StoredSecret } from '@rapport/persistence';
import { KeyRing, readEnvironment, type KeyUse } from '@rapport/platform';
import { keysInUseVariables } from './configuration.js';
import { countSigningKeys } from './oidc/tokens/signing-keys.js';
import { totpKeyId } from './sign-in/second-factor.js';
import { AccountKeys } from './storage/account-keys.js';
import { entities } from './storage/database.js';
import { UserTotp } from './storage/user-totp.entity.js';

const hashedByApiKeyHmacKey = `
  select 'apiKey' as kind, hash_key_id as key_id from api_key
    where tenant_id = $1 and revoke_time is null and coalesce(expire_time > now(), true)
  union all select 'replacedApiKey', previous_hash_key_id from api_key
    where tenant_id = $1 and revoke_time is null and coalesce(expire_time > now(), true)
      and previous_hash is not null and previous_expire_time > now()
  union all select 'clientSecret', secret_key_id from oauth_client where tenant_id = $1 and secret_hash is not null`;
const hashedByAccountKey = `select 'recoveryCode' as kind, hash_key_id as key_id from recovery_code where tenant_id = $1`;

const { DATABASE_URL: databaseUrl, ...config } = readEnvironment(keysInUseVariables);
const auditKeys = new AuditKeys('auth', config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);
const apiKeyHmacKeys = new KeyRing('API_KEY_HMAC_KEY', config.API_KEY_HMAC_KEY, config.RETIRED_API_KEY_HMAC_KEYS);
const accountKeys = new KeyRing('ACCOUNT_KEY', config.ACCOUNT_KEY, config.RETIRED_ACCOUNT_KEYS);
const oidcKeys = new KeyRing('OIDC_KEY', config.OIDC_KEY, config.RETIRED_OIDC_KEYS);

const secrets: StoredSecret[] = [
  {
    ...secretOf(apiKeyHmacKeys),
    usesOf: (em, tenantId) => countHashes(em, tenantId, hashedByApiKeyHmacKey),
  },
  {
    ...secretOf(accountKeys),
    usesOf: async (em, tenantId) => [
      ...(await countHashes(em, tenantId, hashedByAccountKey)),
      ...(await em.find(UserTotp, { tenantId })).map((totp) => {
        return { keyId: totpKeyId(new AccountKeys(accountKeys), totp), kind: 'authenticatorApp', count: 1 };
      }),
    ],
  },
  { ...secretOf(oidcKeys), commonUses: (em) => countSigningKeys(em, oidcKeys) },
];

process.exitCode = (await printStoredKeyUses({ databaseUrl, entities }, auditKeys, secrets)) ? 0 : 1;

function secretOf({ variable, ids }: KeyRing): { variable: string; keyIds: readonly string[] } {
  return { variable, keyIds: ids };
}

/** @param hashes SELECT of the kind and the key id of each hash of the tenant `$1` */
async function countHashes(em: EntityManager, tenantId: string, hashes: string): Promise<KeyUse[]> {
  const rows = await readForTenant<{ kind: string; key_id: string | null; count: string }>(em, {
    sql: `select kind, key_id, count(*) as count from (${hashes}) as hash group by kind, key_id`,
    values: [tenantId],
  });
  return rows.map((row) => ({ keyId: row.key_id ?? undefined, kind: row.kind, count: Number(row.count) }));
}
