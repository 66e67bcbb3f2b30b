import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { StoredItem } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import type { FetchMessageObject, ImapFlow } from 'imapflow';
import { endReading, movePosition, startNumbering, type FolderPosition } from './folder-positions.js';
import { FormerMails, noteRenumbered, renumberedMails, type RenumberedMail } from './renumbered-mail.js';
import { largeBytes, maxMailBytes, type NumberedFolder, type StoredMail } from './stored-mail.js';

/** Most mails, and most bytes, that are stored by one call. A call has at least one mail. */
const maxBatch = { mails: 50, bytes: 3 * 1_024 * 1_024 };

/** UIDs whose sizes are asked for at once: they are in one line of the protocol. */
const listedUids = 500;

export interface FolderReader {
  em: EntityManager;
  client: ImapFlow;
  stored: StoredMail;
  signal: AbortSignal;
  /**
   * Called between the listing of mails and their storage. Raises the signal when the mailbox may no longer be read: what
   * arrives after it was paused is not in the list.
   */
  beforeStore: () => Promise<void>;
  /** Called for a mail that is not stored, because it is too large. */
  onSkipped: (folder: string, uid: number, bytes: number) => void;
}

interface ListedMail {
  uid: number;
  bytes: number;
}

/**
 * Stores the mails of a folder behind its position, oldest first. The position moves after the mails are stored: a mail
 * is stored again after a crash in between, and customers then finds it by its place.
 *
 * @returns number of mails that were read, and the UID that the next mail will have at least
 */
export async function readFolder(
  reader: FolderReader,
  place: Omit<NumberedFolder, 'uidValidity'>,
  before: FolderPosition | undefined,
): Promise<{ mails: number; uidNext: number }> {
  const { client, em } = reader;
  const startTime = new Date();
  const lock = await client.getMailboxLock(place.folder, { readOnly: true });
  try {
    if (!client.mailbox) throw new Error('The folder is not open.');
    const { uidValidity: validity, uidNext, highestModseq } = client.mailbox;
    const folder = { ...place, uidValidity: Number(validity) };
    const isNumbered = before?.uidValidity === folder.uidValidity;
    if (!isNumbered) await startNumbering(em, folder);
    const from = await firstUid(reader, isNumbered ? before : undefined);
    const former = await formerMails(reader, folder, before, isNumbered);
    const { mails, uidNext: nextRead } = await readFrom(reader, folder, { from, former });
    // The last mails may have been removed before they were read.
    const read = { mails, uidNext: Math.max(uidNext, nextRead) };
    if (reader.signal.aborted) return read;
    const modseq = highestModseq === undefined ? null : String(highestModseq);
    await endReading(em, folder, { startTime, modseq, resyncTime: before?.resyncTime ?? null });
    return read;
  } finally {
    lock.release();
  }
}

/** The UID to read from. */
async function firstUid({ client }: FolderReader, position: FolderPosition | undefined): Promise<number> {
  if (!position) return 1;
  if (!position.resyncTime) return position.uid + 1;
  const uids = await client.search({ since: position.resyncTime }, { uid: true });
  return Math.min(position.uid + 1, ...(uids === false ? [] : (uids ?? [])));
}

/** What was stored under other numberings, while the folder has not been read since the last change. */
async function formerMails(
  { em, stored }: FolderReader,
  folder: NumberedFolder,
  before: FolderPosition | undefined,
  isNumbered: boolean,
): Promise<FormerMails | undefined> {
  if (!before || (isNumbered && !before.isRenumbering)) return undefined;
  const validities = new Set([...before.formerUidValidities, before.uidValidity]);
  validities.delete(folder.uidValidity);
  return FormerMails.find(em, stored, folder, [...validities]);
}

/** @returns number of mails, and the UID behind the last one */
async function readFrom(
  reader: FolderReader,
  folder: NumberedFolder,
  { from, former }: { from: number; former: FormerMails | undefined },
): Promise<{ mails: number; uidNext: number }> {
  const known = await renumberedMails(reader.em, folder);
  const uids = (await uidsFrom(reader.client, from)).filter((uid) => !known.has(uid));
  let mails = 0;
  for (let start = 0; start < uids.length && !reader.signal.aborted; start += listedUids) {
    for (const batch of batches(await listMails(reader, uids.slice(start, start + listedUids)))) {
      await reader.beforeStore();
      if (reader.signal.aborted) break;
      await storeBatch(reader, folder, batch, former);
      await movePosition(reader.em, folder, batch.at(-1)?.uid ?? 0);
      mails += batch.length;
    }
  }
  return { mails, uidNext: Math.max(from, (uids.at(-1) ?? 0) + 1) };
}

/**
 * UIDs of a folder from one on, in order. The server is asked each time: what it said when the folder was opened is not
 * renewed as mail arrives.
 */
async function uidsFrom(client: ImapFlow, from: number): Promise<number[]> {
  await client.noop();
  const uids = await client.search({ uid: `${from}:*` }, { uid: true });
  // `*` is the last mail, also if its UID is lower.
  return (uids === false || uids === undefined ? [] : uids)
    .filter((uid) => uid >= from)
    .sort((one, other) => one - other);
}

/** Mails that can be stored, by UID. Those that another client has removed in the meantime are not listed. */
async function listMails({ client, onSkipped }: FolderReader, uids: readonly number[]): Promise<ListedMail[]> {
  const found: ListedMail[] = [];
  for await (const { uid, size = 0 } of client.fetch(uids.join(','), { uid: true, size: true }, { uid: true })) {
    if (size > maxMailBytes) onSkipped(client.mailbox ? client.mailbox.path : '', uid, size);
    else found.push({ uid, bytes: size });
  }
  return found.sort((one, other) => one.uid - other.uid);
}

/** Divides mails into batches of bounded size. */
function* batches(mails: readonly ListedMail[]): Generator<ListedMail[]> {
  let batch: ListedMail[] = [];
  let bytes = 0;
  for (const mail of mails) {
    if (batch.length === maxBatch.mails || (batch.length > 0 && bytes + mail.bytes > maxBatch.bytes)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(mail);
    bytes += mail.bytes;
  }
  if (batch.length > 0) yield batch;
}

async function storeBatch(
  { client, em, stored }: FolderReader,
  folder: NumberedFolder,
  batch: readonly ListedMail[],
  former: FormerMails | undefined,
): Promise<void> {
  const range = batch.map(({ uid }) => uid).join(',');
  const wanted = { uid: true, source: true, internalDate: true };
  const [items, renumbered]: [StoredItem[], RenumberedMail[]] = [[], []];
  const fetched = (await client.fetchAll(range, wanted, { uid: true })).sort((one, other) => one.uid - other.uid);
  for (const mail of fetched) {
    const item = storedItem(folder, mail);
    if (!item) continue;
    const place = former?.take(item.sha256);
    if (place) renumbered.push({ uid: item.uid, sha256: item.sha256, former: place });
    else items.push(item);
  }
  await noteRenumbered(em, folder, renumbered);
  const [small, large] = [
    items.filter(({ raw }) => raw.length <= largeBytes),
    items.filter(({ raw }) => raw.length > largeBytes),
  ];
  if (small.length > 0) await stored.store(folder, small);
  for (const item of large) await stored.storeLarge(folder, item);
}

function storedItem(folder: NumberedFolder, { uid, source, internalDate }: FetchMessageObject): StoredItem | undefined {
  if (!source) return undefined;
  return {
    ...{ folder: folder.folder, uidValidity: folder.uidValidity, uid, raw: source },
    sha256: createHash('sha256').update(source).digest('hex'),
    ...{ internalDate: dateText(internalDate), envelope: undefined },
  };
}

function dateText(date: Date | string | undefined): string | undefined {
  if (date === undefined) return undefined;
  const time = new Date(date);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
