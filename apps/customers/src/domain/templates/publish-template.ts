import type { Template } from '@rapport/contracts/rapport/content/v1/template';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange, type RecordRequest } from '../../engine/write/write-record.js';
import { runLiquid } from './render-liquid.js';
import { invalidTemplate, sourceOf } from './render-template.js';
import { templates } from './templates.js';

/** Handles PublishTemplate. @throws AppError NOT_FOUND, INVALID_ARGUMENT TEMPLATE_INVALID */
export async function publishTemplate(
  transaction: StatementTransaction,
  { id, etag }: RecordRequest,
): Promise<Template> {
  const { record, ...known } = await readForChange(transaction, templates, id);
  const before = await liveRecord(transaction, templates, id, record);
  const { tenantId, principalId } = currentCaller();
  const done = await runLiquid(tenantId, { source: sourceOf(before) });
  if (!('variables' in done)) throw invalidTemplate('faults' in done ? done.faults : []);
  const { format, subject, body, textBody, locale, publishedVersion } = before;
  const published = {
    ...{ format, subject, body, textBody, locale, variables: done.variables, html: done.html },
    ...{ publishTime: new Date().toISOString(), publishedBy: principalId },
  };
  const changes = { ...before, published, publishedVersion: publishedVersion + 1 };
  return changeRecord(transaction, templates, before, known, {
    changes,
    mask: ['published', 'publishedVersion'],
    etag,
  });
}
