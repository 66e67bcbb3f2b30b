import { createHash, hkdfSync } from 'node:crypto';
import { EncryptJWT, errors, jwtDecrypt } from 'jose';

/** Longest life of a session, and longest time without a request, in seconds. */
export const sessionSeconds = { most: 12 * 3_600, idle: 1_800 };
/** Age from which on a cookie is renewed by a request, in seconds. */
const renewAfterSeconds = 60;
/** How long a user may take to sign in, in seconds. */
const signInSeconds = 300;
const algorithms = { alg: 'dir', enc: 'A256GCM' };

/** The content of the cookie of a session. It has no access token: one may be longer than a cookie. Times are seconds since the epoch. */
export interface SealedSession {
  refreshToken: string;
  startedAt: number;
  seenAt: number;
}

/** The content of the cookie of a sign-in, until the browser returns from the provider. */
export interface PendingSignIn {
  state: string;
  nonce: string;
  verifier: string;
  /** Path, query and fragment of the page to return to. */
  returnTo: string;
}

type Purpose = 'session' | 'sign-in';

export interface CookieOptions {
  /** The first one seals, and all of them open: 32 bytes each. */
  keys: readonly Buffer[];
  /** Origin of the console. Over http only on a loopback address. */
  consoleUrl: string;
}

/**
 * The cookies of the console, sealed with a key that only edges have. Over https their names have the prefix `__Host-`, so browsers
 * accept them from this host only, for all paths and over https. http on a loopback address allows neither the prefix nor Secure.
 */
export class ConsoleCookies {
  readonly #keys: readonly { kid: string; of: Readonly<Record<Purpose, Uint8Array>> }[];
  readonly #names: Readonly<Record<Purpose, string>>;
  readonly #flags: string;

  constructor({ keys, consoleUrl }: CookieOptions) {
    const isSecure = consoleUrl.startsWith('https:');
    const prefix = isSecure ? '__Host-' : '';
    this.#names = { session: `${prefix}rapport-console`, 'sign-in': `${prefix}rapport-console-sign-in` };
    this.#flags = `Path=/; HttpOnly${isSecure ? '; Secure' : ''}`;
    this.#keys = keys.map((key) => ({
      kid: createHash('sha256').update(key).digest('base64url').slice(0, 8),
      of: { session: derived(key, 'session'), 'sign-in': derived(key, 'sign-in') },
    }));
  }

  /** The value of a cookie of a request, still sealed. @param header the Cookie header */
  read(header: string | undefined, purpose: Purpose): string | undefined {
    const start = `${this.#names[purpose]}=`;
    return header
      ?.split(/; */)
      .find((pair) => pair.startsWith(start))
      ?.slice(start.length);
  }

  /** Undefined for a cookie that no current key has sealed, and for a session that is over. */
  async openSession(sealed: string): Promise<SealedSession | undefined> {
    const session = (await this.#open(sealed, 'session')) as SealedSession | undefined;
    return session && !isOver(session) ? session : undefined;
  }

  /** Undefined for a cookie that no current key has sealed, and for one that is too old. */
  async openSignIn(sealed: string): Promise<PendingSignIn | undefined> {
    return (await this.#open(sealed, 'sign-in')) as PendingSignIn | undefined;
  }

  /** The Set-Cookie header of a session. */
  async ofSession(session: SealedSession): Promise<string> {
    const value = await this.#seal({ ...session }, 'session');
    const seconds = Math.min(sessionSeconds.idle, session.startedAt + sessionSeconds.most - session.seenAt);
    return `${this.#names.session}=${value}; ${this.#flags}; SameSite=Strict; Max-Age=${seconds}`;
  }

  /** When a session ends in any case. */
  endOf({ startedAt }: SealedSession): string {
    return new Date((startedAt + sessionSeconds.most) * 1_000).toISOString();
  }

  /** The Set-Cookie header of a sign-in. Lax: the provider, another site in production, sends the browser back. */
  async ofSignIn(signIn: PendingSignIn): Promise<string> {
    const value = await this.#seal({ ...signIn }, 'sign-in');
    return `${this.#names['sign-in']}=${value}; ${this.#flags}; SameSite=Lax; Max-Age=${signInSeconds}`;
  }

  /** The Set-Cookie header that deletes a cookie. */
  none(purpose: Purpose): string {
    const sameSite = purpose === 'session' ? 'Strict' : 'Lax';
    return `${this.#names[purpose]}=; ${this.#flags}; SameSite=${sameSite}; Max-Age=0`;
  }

  #seal(content: Record<string, unknown>, purpose: Purpose): Promise<string> {
    const [key] = this.#keys;
    if (!key) throw new Error('No key seals the cookies of the console.');
    const jwt = new EncryptJWT(content).setProtectedHeader({ ...algorithms, kid: key.kid }).setIssuedAt();
    return (purpose === 'sign-in' ? jwt.setExpirationTime(`${signInSeconds}s`) : jwt).encrypt(key.of[purpose]);
  }

  async #open(sealed: string, purpose: Purpose): Promise<Record<string, unknown> | undefined> {
    const keyOf = ({ kid }: { kid?: string }) => {
      const key = this.#keys.find((each) => each.kid === kid);
      if (!key) throw new errors.JWEInvalid('The key of the cookie is not known.');
      return key.of[purpose];
    };
    try {
      const { payload } = await jwtDecrypt(sealed, keyOf, {
        keyManagementAlgorithms: [algorithms.alg],
        contentEncryptionAlgorithms: [algorithms.enc],
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}

/** Whether a session has lasted too long, or was not used for too long. */
export function isOver({ startedAt, seenAt }: SealedSession): boolean {
  const now = secondsNow();
  return now >= startedAt + sessionSeconds.most || now >= seenAt + sessionSeconds.idle;
}

export function isRenewable({ seenAt }: SealedSession): boolean {
  return secondsNow() - seenAt >= renewAfterSeconds;
}

export function secondsNow(): number {
  return Math.floor(Date.now() / 1_000);
}

/** A cookie of one purpose is never taken for one of the other. */
function derived(key: Buffer, purpose: Purpose): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', `rapport console ${purpose}`, 32));
}
