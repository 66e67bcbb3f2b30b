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

  /** Where a secret of that name is, or would be. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Path of a 32-byte key in base64, made when it is not there yet. */
  async key(name: string): Promise<string> {
    return this.once(name, async () => randomBytes(32).toString('base64'));
  }

  /** Path of a file that is made when it is not there yet. */
  async once(name: string, make: () => Promise<string>): Promise<string> {
    const path = this.path(name);
    return existsSync(path) ? path : this.put(name, await make());
  }

  /** Path of the file that now holds `value`. */
  async put(name: string, value: string): Promise<string> {
    const path = this.path(name);
    await writeFile(`${path}.new`, value, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return path;
  }
}
