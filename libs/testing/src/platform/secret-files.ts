import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder of secrets, one per file, which only its owner can read. */
export class SecretFiles {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async in(folder: string): Promise<SecretFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new SecretFiles(folder);
  }

  /** Path of a secret of that name, whether it exists or not. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Path of a 32-byte key in base64, created if it is missing. */
  async key(name: string): Promise<string> {
    return this.once(name, async () => randomBytes(32).toString('base64'));
  }

  /** Path of a file that is created if it is missing. */
  async once(name: string, make: () => Promise<string>): Promise<string> {
    const path = this.path(name);
    return existsSync(path) ? path : this.put(name, await make());
  }

  /** Writes `value` to a file. @returns its path */
  async put(name: string, value: string): Promise<string> {
    const path = this.path(name);
    await writeFile(`${path}.new`, value, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return path;
  }
}
