import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The configuration of this process is missing or invalid. The message names each variable, and has none of their values. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  constructor(problems: readonly string[]) {
    super(`Configuration is not valid. ${problems.join('; ')}`);
  }
}

/**
 * Reads a process's configuration once, at its start. A variable NAME can be set as NAME_FILE instead, the path of a
 * file that holds the value, as secrets are mounted. The process ends if one is missing or invalid, with the code 1 and a
 * sentence that names it.
 */
export function readEnvironment<Shape extends z.ZodRawShape>(shape: Shape): z.infer<z.ZodObject<Shape>> {
  return endUnlessConfigured(() => parseEnvironment(shape));
}

/**
 * Reads it for code that does more with it.
 *
 * @throws ConfigurationError
 */
export function parseEnvironment<Shape extends z.ZodRawShape>(shape: Shape): z.infer<z.ZodObject<Shape>> {
  const raw = Object.fromEntries(Object.keys(shape).map((name) => [name, readVariable(name)]));
  const result = z.object(shape).safeParse(raw);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => {
    const name = path.join('.');
    return `${name}: ${raw[name] === undefined ? 'is missing' : message}`;
  });
  throw new ConfigurationError(problems);
}

/** Ends the process when `read` throws a ConfigurationError: Node would print the bundle's line around it, of 60 kB. */
export function endUnlessConfigured<Config>(read: () => Config): Config {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
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
  if (file === undefined) return process.env[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new ConfigurationError([`${name}_FILE: the file can not be read (${code})`]);
  }
}
