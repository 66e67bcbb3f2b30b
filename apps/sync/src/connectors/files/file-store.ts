import { constants } from 'node:fs';
import { link, open, readdir, unlink, writeFile, type FileHandle } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

/** The files that a connection may read, by plain names, and where it may put new ones. */
export interface FileStore {
  /** Differs whenever the content may; `undefined` when there is no such file. */
  version(name: string): Promise<string | undefined>;
  /** The content from the beginning, pulled piece by piece. Of a file that is not there, nothing. */
  read(name: string): AsyncIterable<Uint8Array>;
  /** Names that begin with `prefix`, in order. */
  list(prefix: string): Promise<string[]>;
  /** Keeps a new file, whole or not at all. False, and nothing is changed, when there is one of that name. */
  create(name: string, content: Uint8Array): Promise<boolean>;
}

/** What connectors accept as the name of a file: no path, and nothing hidden. */
export const fileNamePattern = '^[A-Za-z0-9_][A-Za-z0-9._ -]{0,99}$';

const fileName = new RegExp(fileNamePattern);

/** The files right within one folder. Links are not followed, so that nothing outside of it can be read. */
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
    // The stream closes the file, also when its reader goes away.
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

  /** Undefined for whatever is no file. A pipe that nobody writes to would else take a thread of the process for good. */
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
