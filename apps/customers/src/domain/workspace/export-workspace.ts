import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import type { FileStore } from '../../engine/files/file-store.js';
import { doStep, OperationMoved, type Checkpoint } from '../../engine/operations/checkpoint.js';
import { clearOperation } from '../../engine/operations/clear-operation.js';
import { postpone } from '../../engine/operations/operation-jobs.js';
import type { OperationKind, OperationTask } from '../../engine/operations/operation-kind.js';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import { newOwnKey, type OwnKey } from '../../engine/sealing/own-key.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { withSeal } from '../../engine/sealing/seal.js';
import { suppressionSpaceOf, type SuppressionKey } from '../suppressions/suppression-key.js';
import { archiveLeftovers, ArchivePieces } from './archive/archive-pieces.js';
import { ArchiveWriter } from './archive/archive-writer.js';
import { DataRemoved } from './archive/sealed-rows.js';
import { contentName, type Section, type Sections } from './archive/section.js';
import { exportedContents } from './exported-contents.js';

/** Lifetime of an archive, in seconds. */
const lifetimeSeconds = 24 * 60 * 60;

/** Most starts of an export. More are probably its own fault, or that of frequent erasures. */
const maxStarts = 5;

/** Delay in seconds before an export is retried after it found another one running in the process. */
const busySeconds = 1;

/** Rows per read. */
const batchSize = 200;

/** Internal state of an operation's archive, not shown to callers. */
export interface ExportProgress {
  sizeBytes: number;
  sha256?: string;
  expireTime?: string;
  starts: number;
}

interface Sources {
  sections: Sections;
  files: FileStore;
  suppressionKey: SuppressionKey;
}

/**
 * Exports a workspace. A process runs one export at a time, so that a slot of its worker stays free for other
 * operations.
 */
export function exportKind(sources: Sources): OperationKind {
  let isBusy = false;
  return {
    name: 'WORKSPACE_EXPORT',
    origin: 'export',
    async run(task) {
      if (isBusy) return leaveFor(task, busySeconds);
      isBusy = true;
      try {
        const { em, job } = task;
        const sealing = Sealing.of(em);
        sealing.forget(job.tenantId);
        await withSeal(await sealing.sealOf(em, job.tenantId), () => exportWorkspace(sources, task));
      } finally {
        isBusy = false;
      }
    },
    undo: { refusal: 'An export changes nothing that could be undone.' },
    failedRefusal: () => 'A failed export can not be resumed. Start another one.',
    leftovers: archiveLeftovers,
  };
}

async function leaveFor({ em, operation }: OperationTask, seconds: number): Promise<never> {
  await em.transactional((transaction) => postpone(transaction, operation, seconds));
  throw new OperationMoved();
}

/**
 * Writes the archive from one snapshot (REPEATABLE READ). A snapshot can't be opened again, so an export starts from
 * the beginning after a pause, an erasure or the end of its process, and does not yield to other operations while it runs.
 *
 * @throws OperationMoved when the operation was changed meanwhile
 */
async function exportWorkspace(sources: Sources, task: OperationTask): Promise<void> {
  const { em, job, operation } = task;
  job.turn?.hold();
  const { starts } = operation.rules as ExportProgress;
  if (starts >= maxStarts) {
    const message =
      'Each process that ran the export ended before it was complete, or personal data was removed while it ran.';
    throw new AppError('INTERNAL', 'EXPORT_CRASHED', message);
  }
  await clearOperation(em, archiveLeftovers, job, task.signal);
  const checkpoint = { state: operation.state, done: operation.counts.rows };
  await doStep(em, job, checkpoint, async (_, stored) => {
    stored.counts = { ...stored.counts, rows: 0 };
    stored.rules = { sizeBytes: 0, starts: starts + 1 } satisfies ExportProgress;
    stored.startTime ??= new Date();
  });
  checkpoint.done = 0;
  const key = await newOwnKey();
  const reader = em.fork({ session: tenantSession(job.tenantId) });
  await reader.begin({ isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true });
  try {
    await reader.execute(`set local idle_in_transaction_session_timeout = '150s'`);
    await writeArchive(sources, task, { checkpoint, reader, key });
  } catch (error) {
    // Starts again with a newer snapshot.
    if (error instanceof DataRemoved) throw new OperationMoved();
    if (!(error instanceof Stopped)) throw error;
  } finally {
    await reader.rollback();
  }
}

/** Thrown when the worker must stop. */
class Stopped extends Error {}

interface Writing {
  checkpoint: Checkpoint;
  /** Reads the snapshot. */
  reader: EntityManager;
  key: OwnKey | undefined;
}

async function writeArchive(
  { sections, files, suppressionKey }: Sources,
  { em, job, signal }: OperationTask,
  { checkpoint, reader, key }: Writing,
): Promise<void> {
  const pace = BulkPace.of(em);
  let sizeBytes = 0;
  const store = async (data: Buffer, lines: number) => {
    if (signal.aborted) throw new Stopped();
    await pace.keep(() =>
      doStep(em, job, checkpoint, async (transaction, stored) => {
        await ArchivePieces.put(transaction, job.operationId, { start: sizeBytes, data }, key);
        stored.counts = { ...stored.counts, rows: stored.counts.rows + lines };
        stored.rules = { ...(stored.rules as ExportProgress), sizeBytes: sizeBytes + data.length };
      }),
    );
    sizeBytes += data.length;
    checkpoint.done += lines;
  };
  const [row] = await reader.execute<{ time: Date }[]>('select now() as time');
  const writer = new ArchiveWriter(new Date(row?.time ?? Date.now()), store);
  for (const section of sections.before) await writer.writeLines(section.name, linesOf(reader, section, job.tenantId));
  for await (const { sizeBytes: bytes, stored, ...named } of exportedContents(reader, job.tenantId)) {
    const data = files.read(reader, () => Promise.resolve(stored), { from: 0, to: bytes });
    await writer.writeContent(contentName(named), bytes, data);
  }
  for (const section of sections.after) await writer.writeLines(section.name, linesOf(reader, section, job.tenantId));
  const space = (await suppressionSpaceOf(reader)) ?? job.tenantId;
  const suppressions = { keyFingerprint: suppressionKey.fingerprint, space };
  const sha256 = await writer.end({ tenantId: job.tenantId, suppressions });
  await doStep(em, job, checkpoint, async (transaction, stored) => {
    const expireTime = new Date(Date.now() + lifetimeSeconds * 1_000).toISOString();
    stored.rules = { ...(stored.rules as ExportProgress), sha256, expireTime };
    stored.endTime = new Date();
    stored.state = 'SUCCEEDED';
    // A worker deletes it later.
    await postpone(transaction, stored, lifetimeSeconds);
  });
}

async function* linesOf(reader: EntityManager, section: Section, tenantId: string): AsyncGenerator<string, void> {
  await reader.execute(`declare exported no scroll cursor for ${section.select}`, [tenantId]);
  for (let rows: object[] = [{}]; rows.length > 0;) {
    rows = await reader.execute<object[]>(`fetch ${batchSize} from exported`);
    yield* await section.linesOf(rows);
  }
  await reader.execute('close exported');
}
