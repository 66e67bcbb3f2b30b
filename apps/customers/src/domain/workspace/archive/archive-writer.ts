import { createHash } from 'node:crypto';
import { ByteBlocks } from '../../../engine/files/byte-blocks.js';
import { pieceBytes } from '../../../engine/files/receive-upload.js';
import type { Manifest, ManifestFile } from './manifest.js';
import { formatVersion, manifestName } from './manifest.js';
import { paddingOf, tarEnd, tarHeader } from './tar.js';

/** Size of an archive file with lines, in UTF-16 units: the part that an export and an import hold in memory. */
const partLength = 1_024 * 1_024;

/** Stores the next bytes of an archive, and the number of lines that they complete. */
type Store = (data: Buffer, lines: number) => Promise<void>;

/** Writes an archive sequentially, with one part of its lines and one piece of its bytes in memory. */
export class ArchiveWriter {
  readonly #blocks = new ByteBlocks(pieceBytes);
  readonly #hash = createHash('sha256');
  readonly #files: ManifestFile[] = [];
  readonly #contents = { files: 0, bytes: 0 };
  #lines = 0;

  /** @param time of the exported snapshot */
  constructor(
    private readonly time: Date,
    private readonly store: Store,
  ) {}

  /** Writes lines into numbered files of a folder. */
  async writeLines(folder: string, lines: AsyncIterable<string>): Promise<void> {
    let part: string[] = [];
    let length = 0;
    let number = 0;
    const end = async () => {
      number += 1;
      await this.#writePart(`${folder}/${String(number).padStart(6, '0')}.ndjson`, part);
      [part, length] = [[], 0];
    };
    for await (const line of lines) {
      part.push(line);
      length += line.length;
      if (length >= partLength) await end();
    }
    if (part.length > 0) await end();
  }

  /** Writes the bytes of a file as they arrive. */
  async writeContent(name: string, sizeBytes: number, data: AsyncIterable<Buffer>): Promise<void> {
    await this.#write(tarHeader({ name, sizeBytes }, this.time));
    for await (const piece of data) await this.#write(piece);
    await this.#write(Buffer.alloc(paddingOf(sizeBytes)));
    this.#contents.files += 1;
    this.#contents.bytes += sizeBytes;
  }

  /** Writes the manifest and ends the archive. @returns its SHA-256 in hexadecimal */
  async end({ tenantId, suppressions }: Pick<Manifest, 'tenantId' | 'suppressions'>): Promise<string> {
    const manifest: Manifest = {
      format: 'rapport-workspace',
      formatVersion,
      tenantId,
      snapshotTime: this.time.toISOString(),
      files: this.#files,
      contents: this.#contents,
      suppressions,
    };
    await this.#writeFile(manifestName, Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`));
    await this.#write(tarEnd);
    while (this.#blocks.length > 0) await this.#storeNext();
    return this.#hash.digest('hex');
  }

  async #writePart(name: string, lines: readonly string[]): Promise<void> {
    const data = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const sha256 = createHash('sha256').update(data).digest('hex');
    this.#files.push({ name, records: lines.length, bytes: data.length, sha256 });
    this.#lines += lines.length;
    await this.#writeFile(name, data);
  }

  async #writeFile(name: string, data: Buffer): Promise<void> {
    await this.#write(tarHeader({ name, sizeBytes: data.length }, this.time));
    await this.#write(data);
    await this.#write(Buffer.alloc(paddingOf(data.length)));
  }

  async #write(data: Buffer): Promise<void> {
    this.#hash.update(data);
    this.#blocks.add(data);
    while (this.#blocks.length >= pieceBytes) await this.#storeNext();
  }

  async #storeNext(): Promise<void> {
    await this.store(this.#blocks.take(), this.#lines);
    this.#lines = 0;
  }
}
