import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';
import { destroyDueKeys } from '../../engine/encryption/key-destroyer.js';
import { doStep, type Checkpoint } from '../../engine/operations/checkpoint.js';
import type { OperationKind, OperationTask } from '../../engine/operations/operation-kind.js';
import { withSeal } from '../../engine/sealing/seal.js';
import { Sealing } from '../../engine/sealing/sealing.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { archiveInvalid } from './archive/archive-error.js';
import { archiveLeftovers, ArchivePieces } from './archive/archive-pieces.js';
import { clearWorkspace, refuseFilled, removeSettings } from './filled-workspace.js';
import type { ImportProgress, ImportSources, LoadPosition } from './import-progress.js';
import { loadArchive } from './load-archive.js';
import type { Manifest } from './archive/manifest.js';
import { verifyArchive } from './archive/verify-archive.js';

/** Imports the archive of a workspace into an empty one. A failed import removes everything it has stored. */
export function importKind(sources: ImportSources): OperationKind {
  return {
    name: 'WORKSPACE_IMPORT',
    origin: 'import',
    async run(task) {
      const { em, job } = task;
      const sealing = Sealing.of(em);
      sealing.forget(job.tenantId);
      await withSeal(await sealing.sealOf(em, job.tenantId), () => importWorkspace(sources, task));
    },
    undo: { refusal: 'The import of a workspace can not be undone.' },
    pauseRefusal: 'The import of a workspace can not be paused. It can be cancelled.',
    failedRefusal: () => 'An import that has failed leaves the workspace empty. Start another one.',
    async clear({ em, operation, signal }) {
      const { startTime } = operation;
      if (operation.state === 'SUCCEEDED' || !placeOf(operation.rules) || !startTime) return;
      await clearWorkspace(em, sources.sections, { startTime, signal });
    },
    leftovers: archiveLeftovers,
  };
}

async function importWorkspace(sources: ImportSources, task: OperationTask): Promise<void> {
  const { em, job, operation, signal } = task;
  const { sizeBytes, fault } = operation.rules as ImportProgress;
  const checkpoint = { state: operation.state, done: operation.counts.rows };
  if (fault) return failCleared(sources, task, checkpoint);
  const pieces = new ArchivePieces(em, operation.id, sizeBytes);
  let place = placeOf(operation.rules);
  if (!place) {
    await destroyFormerKeys(task);
    const manifest = await verifyArchive(pieces, sources.sections, signal);
    if (!manifest) return;
    checkSuppressions(sources.suppressionKey, manifest);
    place = { offset: 0, line: 0, round: 1, stored: 0, waiting: 0 };
    const first = place;
    await doStep(em, job, checkpoint, async (transaction, stored) => {
      await refuseFilled(transaction, sources.sections);
      await removeSettings(transaction);
      await keepSpace(transaction, job.tenantId, manifest);
      stored.startTime ??= new Date();
      stored.rules = { sizeBytes, place: first } satisfies ImportProgress;
    });
  }
  try {
    await loadArchive(sources, { ...task, pieces, checkpoint, place });
  } catch (error) {
    if (!(error instanceof AppError) || error.code === 'UNAVAILABLE') throw error;
    const { code, reason, message } = error;
    // The worker runs it again; it removes what it has stored before it fails.
    await changeRules(task, checkpoint, (rules) => ({ ...rules, fault: { code, reason, message } }));
  }
}

/**
 * Destroys the keys of removed data that are due: an import that failed had the same ids, and their new keys would be
 * destroyed too.
 */
async function destroyFormerKeys({ em, job: { tenantId } }: OperationTask): Promise<void> {
  const { keys } = Sealing.of(em);
  for (let due = 1; keys && due > 0;) due = await destroyDueKeys(em.fork(), keys, tenantId);
}

/** Removes everything that was stored, and then fails. */
async function failCleared({ sections }: ImportSources, task: OperationTask, checkpoint: Checkpoint): Promise<void> {
  const { em, operation, signal } = task;
  const { startTime } = operation;
  if (startTime) await clearWorkspace(em, sections, { startTime, signal });
  if (signal.aborted) return;
  const { fault } = operation.rules as ImportProgress;
  await changeRules(task, checkpoint, ({ sizeBytes }) => ({ sizeBytes, ...(fault && { fault }) }));
  if (fault) throw new AppError(fault.code, fault.reason, fault.message);
}

async function changeRules(
  { em, job }: OperationTask,
  checkpoint: Checkpoint,
  change: (rules: ImportProgress) => ImportProgress,
): Promise<void> {
  await doStep(em, job, checkpoint, (_, stored) => {
    stored.rules = change(stored.rules as ImportProgress);
    return Promise.resolve();
  });
}

/** Hashes of another key would never match: every suppression would be lost. */
function checkSuppressions({ fingerprint }: SuppressionKey, { suppressions, files }: Manifest): void {
  const hasSuppressions = files.some(({ name }) => name.startsWith('rows/suppression/'));
  if (!hasSuppressions || suppressions.keyFingerprint === fingerprint) return;
  throw archiveInvalid('Its suppressions have a SUPPRESSION_HMAC_KEY other than that of this installation.');
}

async function keepSpace(em: EntityManager, tenantId: string, { suppressions }: Manifest): Promise<void> {
  if (suppressions.space === tenantId) return;
  await em.execute(
    `insert into suppression_space (tenant_id, space) values (?, ?)
     on conflict (tenant_id) do update set space = excluded.space`,
    [tenantId, suppressions.space],
  );
}

function placeOf(rules: object): LoadPosition | undefined {
  return (rules as ImportProgress).place;
}
