/** An argon2id hash and its parameters. */
export interface PasswordHash {
  salt: Buffer;
  /** KiB. */
  memory: number;
  passes: number;
  parallelism: number;
  hash: Buffer;
}

const form = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,64})\$([A-Za-z0-9+/]{43,86})$/;

/**
 * The stored text of a password hash. It contains the parameters, so that earlier hashes stay valid when the parameters change.
 * Source: the PHC string format, https://github.com/P-H-C/phc-string-format. Not @phc/format: it accepts any algorithm and any
 * parameters, so the checks would stay, and they are most of this file.
 */
export function formatPhcString({ salt, memory, passes, parallelism, hash }: PasswordHash): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(hash)}`;
}

export function parsePhcString(text: string): PasswordHash {
  const [, memory, passes, parallelism, salt, hash] = form.exec(text) ?? [];
  if (salt === undefined || hash === undefined)
    throw new Error('A stored password hash is not a PHC string of argon2id.');
  return {
    salt: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    hash: Buffer.from(hash, 'base64'),
  };
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
