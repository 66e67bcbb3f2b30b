import { IsolationLevel, type EntityManager } from '@mikro-orm/postgresql';
import { tenantSession } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import type { FileStore } from '../../engine/files/file-store.js';
import { doStep, OperationMoved, type Checkpoint } from '../../engine/operations/checkpoint.js';
import { clearOperation } from '../../engine/operations/clear-operation.js';
import { postpone } from '../../engine/operations/operation-jobs.js';
import type { OperationKind, OperationTask } from '../../engine/operations/operation-kind.js';
import { BulkPace } from '../../engine/pace/bulk-pace.js';
import { refuseUnderEncryption } from '../../engine/query/filter/refuse-sealed.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import { withSeal } from '../../engine/sealing/seal.js';
import { suppressionSpaceOf, type SuppressionKey } from '../suppressions/suppression-key.js';
import { archiveLeftovers, ArchivePieces } from './archive/archive-pieces.js';
import { ArchiveWriter } from './archive/archive-writer.js';
import { contentName, type Section, type Sections } from './archive/section.js';

/** How long an archive can be downloaded, in seconds. */
const keptSeconds = 24 * 60 * 60;

/** How often an export starts. After that the processes that work on it are likely to end because of it. */
const maxStarts = 5;

/** After how many seconds an export is tried again that has found another one running in the process. */
const busySeconds = 1;

/** Rows that are read at a time. */
const batchSize = 200;

/** What an operation keeps of its archive, beside what callers see. */
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

/** Exports a workspace. A process exports one at a time, so that a place of its worker stays free for the operations of others. */
export function exportKind(sources: Sources): OperationKind {
  let isBusy = false;
  return {
    name: 'WORKSPACE_EXPORT',
    origin: 'export',
    async run(task) {
      if (isBusy) return leaveFor(task, busySeconds);
      isBusy = true;
      try {
        await exportWorkspace(sources, task);
      } finally {
        isBusy = false;
      }
    },
    undo: { refusal: 'An export changes nothing that could be undone.' },
    failedRefusal: 'An export that has failed does not go on. Start another one.',
    leftovers: archiveLeftovers,
  };
}

async function leaveFor({ em, operation }: OperationTask, seconds: number): Promise<never> {
  await em.transactional((transaction) => postpone(transaction, operation, seconds));
  throw new OperationMoved();
}

/**
 * Writes the archive from one snapshot (REPEATABLE READ). No other transaction can read that again, so an export that was paused, or whose
 * process has ended, starts anew, and keeps its turn until it is done.
 *
 * @throws OperationMoved when the operation was changed meanwhile
 */
async function exportWorkspace(sources: Sources, task: OperationTask): Promise<void> {
  const { em, job, operation } = task;
  job.turn?.hold();
  await withSeal(await Sealing.of(em).sealOf(em, job.tenantId), async () =>
    refuseUnderEncryption('A workspace is exported'),
  );
  const { starts } = operation.rules as ExportProgress;
  if (starts >= maxStarts) {
    throw new AppError('INTERNAL', 'EXPORT_CRASHED', 'No process that worked on the export has come to its end.');
  }
  await clearOperation(em, archiveLeftovers, job, task.signal);
  const checkpoint = { state: operation.state, done: operation.counts.rows };
  await doStep(em, job, checkpoint, async (_, stored) => {
    stored.counts = { ...stored.counts, rows: 0 };
    stored.rules = { sizeBytes: 0, starts: starts + 1 } satisfies ExportProgress;
    stored.startTime ??= new Date();
  });
  checkpoint.done = 0;
  const reader = em.fork({ session: tenantSession(job.tenantId) });
  await reader.begin({ isolationLevel: IsolationLevel.REPEATABLE_READ, readOnly: true });
  try {
    await reader.execute(`set local idle_in_transaction_session_timeout = '150s'`);
    await writeArchive(sources, task, checkpoint, reader);
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  } finally {
    await reader.rollback();
  }
}

/** Thrown when the worker must stop. */
class Stopped extends Error {}

async function writeArchive(
  { sections, files, suppressionKey }: Sources,
  { em, job, signal }: OperationTask,
  checkpoint: Checkpoint,
  reader: EntityManager,
): Promise<void> {
  const pace = BulkPace.of(em);
  let sizeBytes = 0;
  const store = async (data: Buffer, lines: number) => {
    if (signal.aborted) throw new Stopped();
    await pace.keep(() =>
      doStep(em, job, checkpoint, async (transaction, stored) => {
        await ArchivePieces.put(transaction, job.operationId, sizeBytes, data);
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
  for await (const { sha256, contentId, sizeBytes: bytes } of contentsOf(reader, job.tenantId)) {
    const stored = files.read(reader, () => Promise.resolve({ contentId }), { from: 0, to: bytes });
    await writer.writeContent(contentName({ sha256, contentId }), bytes, stored);
  }
  for (const section of sections.after) await writer.writeLines(section.name, linesOf(reader, section, job.tenantId));
  const space = (await suppressionSpaceOf(reader)) ?? job.tenantId;
  const suppressions = { keyFingerprint: suppressionKey.fingerprint, space };
  const sha256 = await writer.end({ tenantId: job.tenantId, suppressions });
  await doStep(em, job, checkpoint, async (transaction, stored) => {
    const expireTime = new Date(Date.now() + keptSeconds * 1_000).toISOString();
    stored.rules = { ...(stored.rules as ExportProgress), sha256, expireTime };
    stored.endTime = new Date();
    stored.state = 'SUCCEEDED';
    // A worker clears it then.
    await postpone(transaction, stored, keptSeconds);
  });
}

async function* linesOf(reader: EntityManager, section: Section, tenantId: string): AsyncGenerator<string, void> {
  await reader.execute(`declare exported no scroll cursor for ${section.select}`, [tenantId]);
  for (let rows: object[] = [{}]; rows.length > 0;) {
    rows = await reader.execute<object[]>(`fetch ${batchSize} from exported`);
    for (const row of rows) yield section.lineOf(row);
  }
  await reader.execute('close exported');
}

/** The bytes of files that a tenant has. */
async function* contentsOf(reader: EntityManager, tenantId: string) {
  interface Content {
    sha256: string;
    contentId: string;
    sizeBytes: number;
  }
  for (let after = ''; ;) {
    const contents = await reader.execute<Content[]>(
      `select sha256, content_id as "contentId", size_bytes as "sizeBytes" from file_content
       where tenant_id = ? and sha256 > ? order by sha256 limit ${batchSize}`,
      [tenantId, after],
    );
    yield* contents;
    after = contents.at(-1)?.sha256 ?? '';
    if (contents.length < batchSize) return;
  }
}
