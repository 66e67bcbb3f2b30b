import { constants } from 'node:fs';
import { link, open, readdir, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

/** The files that a connection may read, by plain name, and create. */
export interface FileStore {
  /** Changes with the content; `undefined` for a file that does not exist. */
  version(name: string): Promise<string | undefined>;
  /** Streams the content. Empty for a file that does not exist. */
  read(name: string): AsyncIterable<Uint8Array>;
  /** Names that begin with `prefix`, sorted. */
  list(prefix: string): Promise<string[]>;
  /** Creates a file atomically. Returns false, and changes nothing, when the name exists. */
  create(name: string, content: Uint8Array): Promise<boolean>;
}

/** Valid file names: no paths, and no hidden files. */
export const fileNamePattern = '^[A-Za-z0-9_][A-Za-z0-9._ -]{0,99}$';

const fileName = new RegExp(fileNamePattern);

/** The files directly in one directory. Symbolic links are not followed, so nothing outside of it can be read. */
export class FolderFiles implements FileStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async version(name: string): Promise<string | undefined> {
    const file = await this.#open(name);
    if (!file) return undefined;
    try {
      const { ino, size, mtimeNs } = await file.stat({ bigint: true });
      return `${ino}-${size}-${mtimeNs}`;
    } finally {
      await file.close();
    }
  }

  async *read(name: string): AsyncGenerator<Uint8Array> {
    const file = await this.#open(name);
    if (!file) return;
    // The stream closes the file, even when its reader stops early.
    yield* file.createReadStream() as AsyncIterable<Uint8Array>;
  }

  async list(prefix: string): Promise<string[]> {
    const entries = await readdir(this.#folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile() && fileName.test(entry.name)).map(({ name }) => name);
    return names.filter((name) => name.startsWith(prefix)).sort();
  }

  async create(name: string, content: Uint8Array): Promise<boolean> {
    const begun = join(this.#folder, `.${randomUUID()}.new`);
    await writeFile(begun, content, { flag: 'wx', flush: true, mode: 0o600 });
    try {
      await link(begun, this.#path(name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      await unlink(begun);
    }
  }

  /** Undefined for everything but regular files. Opening a pipe without a writer would block a thread of the process forever. */
  async #open(name: string): Promise<FileHandle | undefined> {
    const file = await this.#openAny(name);
    if (!file || (await file.stat()).isFile()) return file;
    await file.close();
    return undefined;
  }

  async #openAny(name: string): Promise<FileHandle | undefined> {
    try {
      return await open(this.#path(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (['ENOENT', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  }

  #path(name: string): string {
    if (!fileName.test(name)) throw new Error('Not the name of a file.');
    return join(this.#folder, name);
  }
}
