import { secretKey } from '@rapport/platform';
import { z } from 'zod';

/** What a service with an audit reads from its environment. */
export const auditVariables = {
  /** Ed25519, by which heads of chains are signed. */
  AUDIT_SIGNING_KEY: secretKey,
  /** Public keys of those that signed before, by comma: base64 or base64url, 32 bytes each. */
  AUDIT_RETIRED_KEYS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .filter(Boolean)
        .map((key) => Buffer.from(key.trim(), 'base64')),
    )
    .refine((keys) => keys.every(({ length }) => length === 32), 'must be public keys of 32 bytes in base64, by comma'),
  /** How often heads are signed. */
  AUDIT_HEAD_SECONDS: z.coerce.number().int().min(1).max(86_400).default(600),
};
