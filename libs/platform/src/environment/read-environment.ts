import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * Reads a process's configuration once, at its start. A variable NAME can be set as NAME_FILE instead, the path of a
 * file that holds the value, as secrets are mounted.
 *
 * @throws Error that names every missing or invalid variable, without its value
 */
export function readEnvironment<Shape extends z.ZodRawShape>(shape: Shape): z.infer<z.ZodObject<Shape>> {
  const raw = Object.fromEntries(Object.keys(shape).map((name) => [name, readVariable(name)]));
  const result = z.object(shape).safeParse(raw);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`Configuration is not valid. ${problems.join('; ')}`);
}

/** `host:port` to listen on. */
export const address = z
  .string()
  .regex(/^[^\s:/]+:\d{1,5}$/, 'must be host:port')
  .meta({ form: '`host:port`' });

/**
 * `host:port` to call. `dns:///host:port` is the same: calls are spread over every address of the name. A name server's
 * `host:port` may precede the third slash; GRPC_NODE_USE_ALTERNATIVE_RESOLVER must be `true` for it.
 */
export const target = z
  .string()
  .regex(/^(dns:\/\/[^\s/]*\/)?[^\s:/]+:\d{1,5}$/, 'must be host:port or dns:///host:port')
  .meta({ form: '`host:port`, `dns:///host:port`' });

export const port = z.coerce.number().int().min(1).max(65_535).meta({ form: 'port' });

/** The URL at which clients reach the edge, in canonical form without a trailing slash. It is the issuer of tokens. */
export const publicUrl = z
  .url({ protocol: /^https?$/ })
  .refine(
    (text) => new URL(text).origin === text,
    'must be scheme, host and port only, such as https://crm.example.com',
  )
  .meta({ form: 'URL: scheme, host and port' });

/** A secret of 32 bytes in base64. */
export const secretKey = z
  .base64()
  .transform((text) => Buffer.from(text, 'base64'))
  .refine((bytes) => bytes.length === 32, 'must be 32 bytes in base64')
  .meta({ form: '32 bytes in base64', secret: true });

/** Secrets of 32 bytes in base64, by comma. */
export const secretKeys = keysNamed('secrets').meta({ form: '32 bytes each in base64, by comma', secret: true });

/** Public keys of 32 bytes in base64 or base64url, by comma. */
export const publicKeys = keysNamed('keys').meta({ form: '32 bytes each in base64, by comma' });

/** A private key of Ed25519, PKCS #8 in PEM. */
export const ed25519Key = z
  .string()
  .transform((pem, context): KeyObject => {
    try {
      const key = createPrivateKey(pem);
      if (key.asymmetricKeyType === 'ed25519') return key;
    } catch {
      // What it says may have a part of the key in it.
    }
    context.addIssue({ code: 'custom', message: 'must be an Ed25519 key, PKCS #8 in PEM' });
    return z.NEVER;
  })
  .meta({ form: 'Ed25519 key, PKCS #8 in PEM', secret: true });

function keysNamed(noun: string) {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .filter(Boolean)
        .map((key) => Buffer.from(key.trim(), 'base64')),
    )
    .refine(
      (keys) => keys.every(({ length }) => length === 32),
      `must be ${noun} of 32 bytes in base64, separated by commas`,
    );
}

/** Path of a file that is read again when it changes: its variable is called NAME_FILE and has no NAME beside it. */
export const filePath = z.string().min(1).meta({ form: 'path' });

/** Names by comma. */
export const names = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  )
  .meta({ form: 'texts by comma' });

function readVariable(name: string): string | undefined {
  const file = process.env[`${name}_FILE`];
  return file === undefined ? process.env[name] : readFileSync(file, 'utf8').trim();
}
