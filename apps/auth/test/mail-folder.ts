import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The folder that the service writes its mails to. */
export class MailFolder {
  readonly #mails = new Map<string, string>();

  private constructor(private readonly path: string) {}

  static async make(): Promise<MailFolder> {
    return new MailFolder(await mkdtemp(join(tmpdir(), 'rapport-mail-')));
  }

  get url(): string {
    return pathToFileURL(this.path).href;
  }

  /** The mails to an address, oldest first. */
  async to(address: string): Promise<string[]> {
    const files = (await readdir(this.path)).sort();
    const mails = await Promise.all(files.map((file) => this.#read(file)));
    return mails.filter((mail) => mail.includes(`To: ${address}`));
  }

  /** The token in the newest mail to an address. @throws Error when there is none */
  async tokenTo(address: string): Promise<string> {
    const mail = (await this.to(address)).at(-1) ?? '';
    const token = /token=([\w-]{64})/.exec(mail)?.[1];
    if (token === undefined) throw new Error(`No token was mailed to ${address}: ${mail}`);
    return token;
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true });
  }

  /** Reads each file once: all test files share the folder. */
  async #read(file: string): Promise<string> {
    const known = this.#mails.get(file);
    if (known !== undefined) return known;
    const mail = await readFile(join(this.path, file), 'utf8');
    // A file is empty while it is being written.
    if (mail !== '') this.#mails.set(file, mail);
    return mail;
  }
}
