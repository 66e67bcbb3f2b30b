import type { Template } from '@rapport/contracts/rapport/content/v1/template';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { liveRecord } from '../../engine/records/missing-record.js';
import { changeRecord, readForChange, type RecordRequest } from '../../engine/write/write-record.js';
import { checkTemplate } from './check-template.js';
import { invalidTemplate, sourceOf } from './render-template.js';
import { templates } from './templates.js';

/** Handles PublishTemplate. @throws AppError NOT_FOUND, INVALID_ARGUMENT TEMPLATE_INVALID */
export async function publishTemplate(
  transaction: StatementTransaction,
  { id, etag }: RecordRequest,
): Promise<Template> {
  const { record, ...known } = await readForChange(transaction, templates, id);
  const before = await liveRecord(transaction, templates, id, record);
  const { principalId } = currentCaller();
  const done = await checkTemplate(sourceOf(before));
  if ('faults' in done) throw invalidTemplate(done.faults);
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
