import { createHash } from 'node:crypto';
import { archiveInvalid } from './archive-error.js';
import type { ArchivePieces } from './archive-pieces.js';
import { countLines } from './lines.js';
import { manifestName, maxFiles, readManifest, type Manifest, type ManifestFile } from './manifest.js';
import { contentsFolder, readContentName, type Sections } from './section.js';
import { paddingOf, readTarHeader, tarHeaderBytes, type TarEntry } from './tar.js';

/** Most bytes of a file with lines, which is in memory as a whole, and of a manifest. */
export const maxPartBytes = 16 * 1_024 * 1_024;

/** A file of an archive. */
export interface ArchiveEntry extends TarEntry {
  /** Offsets of its first byte, and of the byte after its padding. */
  start: number;
  end: number;
}

/**
 * The file whose header begins at an offset.
 *
 * @returns undefined at the end of the archive
 * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID
 */
export async function entryAt(pieces: ArchivePieces, offset: number): Promise<ArchiveEntry | undefined> {
  const entry = readTarHeader(await pieces.bytes(offset, tarHeaderBytes));
  if (entry === null) throw archiveInvalid(`At byte ${offset} there is no header of a file in the format ustar.`);
  if (!entry) return undefined;
  const start = offset + tarHeaderBytes;
  return { ...entry, start, end: start + entry.sizeBytes + paddingOf(entry.sizeBytes) };
}

/**
 * Reads an archive sequentially without storing anything.
 *
 * @returns undefined when `signal` was aborted
 * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID unless it is complete: it has the files of its manifest, in the
 *   order of an export, with their hashes
 */
export async function verifyArchive(
  pieces: ArchivePieces,
  sections: Sections,
  signal: AbortSignal,
): Promise<Manifest | undefined> {
  const order = orderOf(sections);
  const found: ManifestFile[] = [];
  const contents = { files: 0, bytes: 0 };
  let [offset, place, lastContent] = [0, 0, ''];
  for (let entry; !signal.aborted && (entry = await entryAt(pieces, offset)); offset = entry.end) {
    const { name } = entry;
    if (name === manifestName) return checkedManifest(pieces, entry, found, contents);
    const folder = name.slice(0, name.lastIndexOf('/'));
    const nextPlace = order.indexOf(folder);
    if (nextPlace === -1) throw archiveInvalid(`This release does not know ${name}.`);
    if (nextPlace < place) throw archiveInvalid(`${name} is not in the order in which an export writes it.`);
    place = nextPlace;
    if (folder === contentsFolder) {
      const { contentId = '' } = readContentName(name) ?? {};
      if (contentId <= lastContent) throw archiveInvalid(`${name} is not in the order in which an export writes it.`);
      await checkContent(pieces, entry);
      lastContent = contentId;
      contents.files += 1;
      contents.bytes += entry.sizeBytes;
    } else if (found.length === maxFiles) throw archiveInvalid(`It has more than ${maxFiles} files with lines.`);
    else found.push(await fileOf(pieces, entry));
  }
  if (signal.aborted) return undefined;
  throw archiveInvalid(`It does not end with ${manifestName}.`);
}

function orderOf({ before, after }: Sections): string[] {
  return [...before.map(({ name }) => name), contentsFolder, ...after.map(({ name }) => name)];
}

async function checkContent(pieces: ArchivePieces, { name, start, sizeBytes }: ArchiveEntry): Promise<void> {
  if (sizeBytes > 2 ** 31 - 1) throw archiveInvalid(`${name} is larger than a file may be.`);
  const hash = createHash('sha256');
  for await (const data of pieces.read(start, sizeBytes)) hash.update(data);
  if (readContentName(name)?.sha256 !== hash.digest('hex')) throw archiveInvalid(`The hash of ${name} does not match.`);
}

async function fileOf(pieces: ArchivePieces, entry: ArchiveEntry): Promise<ManifestFile> {
  const data = await partOf(pieces, entry);
  if (data.length > 0 && data.at(-1) !== 0x0a) throw archiveInvalid(`${entry.name} ends within a line.`);
  const records = countLines(entry.name, data.toString());
  return { name: entry.name, records, bytes: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

/** The bytes of a file that fits into memory. */
export async function partOf(pieces: ArchivePieces, { name, start, sizeBytes }: ArchiveEntry): Promise<Buffer> {
  if (sizeBytes > maxPartBytes) throw archiveInvalid(`${name} is larger than ${maxPartBytes} bytes.`);
  return pieces.bytes(start, sizeBytes);
}

async function checkedManifest(
  pieces: ArchivePieces,
  entry: ArchiveEntry,
  found: readonly ManifestFile[],
  contents: Manifest['contents'],
): Promise<Manifest> {
  const manifest = readManifest((await partOf(pieces, entry)).toString());
  const [is, says] = [found, manifest.files].map((files) => files.map((file) => JSON.stringify(sorted(file))));
  const different = says?.findIndex((text, index) => text !== is?.[index]) ?? -1;
  if (different !== -1) {
    throw archiveInvalid(
      `${manifest.files[different]?.name ?? ''} is not the file that ${manifestName} names: its hash differs.`,
    );
  }
  if (is?.length !== says?.length) throw archiveInvalid(`${manifestName} does not name all files.`);
  const { files, bytes } = manifest.contents;
  if (files !== contents.files || bytes !== contents.bytes) {
    throw archiveInvalid(`${manifestName} has a wrong number of record files.`);
  }
  if ((await pieces.bytes(entry.end, tarHeaderBytes)).some((byte) => byte !== 0)) {
    throw archiveInvalid(`It has data after ${manifestName}.`);
  }
  return manifest;
}

function sorted({ name, records, bytes, sha256 }: ManifestFile): ManifestFile {
  return { name, records, bytes, sha256 };
}
