import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { pieceBytes } from '../../engine/files/receive-upload.js';
import { doStep, type Checkpoint } from '../../engine/operations/checkpoint.js';
import type { OperationTask } from '../../engine/operations/operation-kind.js';
import type { Operation } from '../../engine/operations/operation.entity.js';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { archiveInvalid, blamingArchive } from './archive/archive-error.js';
import type { ArchivePieces } from './archive/archive-pieces.js';
import type { ImportProgress, ImportSources, LoadPosition } from './import-progress.js';
import { batchAt, startOfLine } from './archive/lines.js';
import { manifestName } from './archive/manifest.js';
import { contentsFolder, type Section } from './archive/section.js';
import { contentNamed, fileToSeal, hasContent, putContent, splitContent } from './imported-contents.js';
import { entryAt, partOf, type ArchiveEntry } from './archive/verify-archive.js';

/** Most lines per transaction: `alone`, or `beside` other calls. */
const batchSize = { alone: 200, beside: 24 };

/** Most rounds: a record may refer to a later one, and that to another. */
const maxRounds = 100;

interface LoadTask extends OperationTask {
  pieces: ArchivePieces;
  checkpoint: Checkpoint;
  place: LoadPosition;
}

/**
 * Stores a verified archive from its current position on, in steps.
 *
 * @throws OperationMoved when the operation was changed meanwhile
 * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID
 */
export async function loadArchive(sources: ImportSources, task: LoadTask): Promise<void> {
  const { before, after } = sources.sections;
  while (!task.signal.aborted) {
    const entry = await entryAt(task.pieces, task.place.offset);
    if (!entry) throw new Error('The archive has ended before its manifest.');
    const isIn = ({ name }: Section) => entry.name.startsWith(`${name}/`);
    const section = before.find(isIn);
    if (task.place.hasRows) {
      if (entry.name === manifestName) return finish(task);
      await loadSealedContent(sources, task, entry);
    } else if (section) await loadLines(task, section, entry);
    else if (!task.place.hasRecords) await endRound(task);
    else if (entry.name !== manifestName) await loadRest(sources, task, after.find(isIn), entry);
    else if (!currentSeal()) return finish(task);
    else task.place = { ...task.place, offset: 0, line: 0, hasRows: true };
  }
}

async function loadRest(
  sources: ImportSources,
  task: LoadTask,
  section: Section | undefined,
  entry: ArchiveEntry,
): Promise<void> {
  if (section) await loadLines(task, section, entry);
  else if (currentSeal()) await announceContent(task, entry);
  else await loadContent(sources, task, entry);
}

/** Commits the new position with the changes of a step. */
async function step(
  task: LoadTask,
  part: string,
  lines: number,
  work: (em: EntityManager, place: LoadPosition) => Promise<LoadPosition>,
): Promise<void> {
  const { em, job, checkpoint } = task;
  const { place } = task;
  const tryStep = (transaction: EntityManager, stored: Operation) =>
    blamingArchive(part, async () => {
      const next = await work(transaction, place);
      stored.counts = { ...stored.counts, rows: stored.counts.rows + lines };
      stored.rules = { ...(stored.rules as ImportProgress), place: next };
      return next;
    });
  task.place = await BulkPace.of(em).keep(() => doStep(em, job, checkpoint, tryStep));
  checkpoint.done += lines;
}

async function loadLines(task: LoadTask, section: Section, entry: ArchiveEntry): Promise<void> {
  const text = (await partOf(task.pieces, entry)).toString();
  const pace = BulkPace.of(task.em);
  const { offset } = task.place;
  if (text === '') task.place = { ...task.place, offset: entry.end };
  let start = startOfLine(text, task.place.line);
  while (task.place.offset === offset && !task.signal.aborted) {
    const { line, round } = task.place;
    const { lines: batch, end } = batchAt(text, start, pace.step(batchSize.alone, batchSize.beside));
    const position = end < text.length ? { line: line + batch.length } : { line: 0, offset: entry.end };
    start = end;
    // A part of which nothing has waited is passed without a step: a worker that continues passes it again.
    if (round !== 1 && (await pace.keep(() => section.hasAll(task.em, batch)))) {
      task.place = { ...task.place, ...position };
      continue;
    }
    await step(task, entry.name, round === 1 ? batch.length : 0, async (em, place) => {
      const options = { isFirst: round === 1, isLast: round === 0 };
      const { stored, waiting } = await section.insert(em, batch, options);
      return { ...place, stored: place.stored + stored, waiting: place.waiting + waiting, ...position };
    });
  }
}

/** Stores the bytes of a file, one piece per step. */
async function loadContent({ files }: ImportSources, task: LoadTask, entry: ArchiveEntry): Promise<void> {
  const { name, start, sizeBytes } = entry;
  const { sha256, contentId } = contentNamed(name);
  for (let isDone = false; !isDone && !task.signal.aborted;) {
    await step(task, name, 0, async (em, place) => {
      const { line: done } = place;
      // Files of an encrypted workspace do not share bytes.
      isDone = done === 0 && (await hasContent(em, sha256));
      if (isDone) return { ...place, offset: entry.end };
      const data = await task.pieces.bytes(start + done, Math.min(pieceBytes, sizeBytes - done));
      if (data.length > 0) await files.put(em, { contentId }, done, data);
      isDone = done + data.length === sizeBytes;
      if (!isDone) return { ...place, line: done + data.length };
      await putContent(em, { contentId, sha256, sizeBytes });
      return { ...place, line: 0, offset: entry.end };
    });
  }
}

/** Makes bytes known to their files, which are stored next. The bytes follow when the keys of the files are known. */
async function announceContent(task: LoadTask, { name, sizeBytes, end }: ArchiveEntry): Promise<void> {
  const { contentId } = contentNamed(name);
  await step(task, name, 0, async (em, place) => {
    await putContent(em, { contentId, sizeBytes });
    return { ...place, offset: end };
  });
}

/** Stores the bytes of each file that has them, encrypted with its key: one piece per step. */
async function loadSealedContent({ files }: ImportSources, task: LoadTask, entry: ArchiveEntry): Promise<void> {
  const { name, start, sizeBytes, end } = entry;
  const { offset } = task.place;
  if (!name.startsWith(`${contentsFolder}/`)) task.place = { ...task.place, offset: end };
  while (task.place.offset === offset && !task.signal.aborted) {
    await step(task, name, 0, async (em, place) => {
      const file = await fileToSeal(em, contentNamed(name));
      const done = place.fileId === file.id ? place.line : 0;
      const data = await task.pieces.bytes(start + done, Math.min(pieceBytes, sizeBytes - done));
      if (data.length > 0) await files.put(em, file.bytes, done, data);
      if (done + data.length < sizeBytes) return { ...place, line: done + data.length, fileId: file.id };
      if (!file.isLast) await splitContent(em, file, sizeBytes);
      return { ...place, line: 0, ...(file.isLast && { offset: end }) };
    });
  }
}

/** Starts another round for records whose references were missing, or continues with the next part when all records are stored. */
async function endRound(task: LoadTask): Promise<void> {
  const { round, stored, waiting } = task.place;
  if (round === maxRounds) throw archiveInvalid('Its records refer to each other in a chain that is too long.');
  const isDone = waiting === 0 || round === 0;
  // Records with references that are still missing are stored last, where no foreign key forbids it.
  const next = stored > 0 ? round + 1 : 0;
  const none = { line: 0, stored: 0, waiting: 0 };
  await step(task, 'records', 0, (_, place) =>
    Promise.resolve(isDone ? { ...place, ...none, round: 1, hasRecords: true } : { ...none, offset: 0, round: next }),
  );
}

async function finish(task: LoadTask): Promise<void> {
  await refuseUnused(task);
  await doStep(task.em, task.job, task.checkpoint, (_, operation) => {
    operation.processedBytes = operation.receivedBytes;
    operation.endTime = new Date();
    operation.state = 'SUCCEEDED';
    return Promise.resolve();
  });
}

async function refuseUnused({ em, job }: LoadTask): Promise<void> {
  const [unused] = await queryRows<{ sha256: string }>(em, {
    name: 'unused_contents',
    sql: `select sha256 from file_content content where tenant_id = $1
        and not exists (select from file where file.tenant_id = $1 and file.content_id = content.content_id) limit 1`,
    values: [job.tenantId],
  });
  if (unused) throw archiveInvalid(`No file has the bytes of ${contentsFolder}/${unused.sha256}.`);
}
