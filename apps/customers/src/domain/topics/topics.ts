import { LegalBasis } from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { TopicsServiceService } from '@rapport/contracts/rapport/marketing/v1/topics_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, type FieldViolation } from '@rapport/platform';
import type { RecordChange } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { limitRecords } from '../../engine/write/limit-records.js';

/** Most live topics of a tenant: the preferences page shows all of them. */
export const maxTopics = 100;

/** Topics: kinds of mail that customers subscribe to. */
export const topics = defineRecord<Topic>('rapport/Topic', TopicsServiceService, {
  indexVersion: 1,
  alwaysSet: ['is_double_opt_in', 'legal_basis'],
  guard: (change) => [...keyViolations(change), ...textViolations(change.after)],
  stamp: ({ after: { legalBasis } }) => ({
    legalBasis: legalBasis === LegalBasis.UNSPECIFIED ? LegalBasis.CONSENT : legalBasis,
  }),
  also: (changes) =>
    limitRecords(changes, { table: 'topic', most: maxTopics, reason: 'TOO_MANY_TOPICS', noun: 'topics' }),
});

export const TopicsController = recordController(topics, TopicsServiceService);

/** The live topics of the tenant, in the order of their creation, or those with some keys. */
export async function readTopics(
  transaction: Pick<StatementTransaction, 'rows'>,
  keys?: readonly string[],
): Promise<Topic[]> {
  const found = await transaction.rows<{ id: string }>({
    name: 'topics_of_tenant',
    sql: `select id from topic where tenant_id = $1 and delete_time is null and ($2::text[] is null or key = any ($2))
      order by create_time, id limit ${maxTopics}`,
    values: [currentCaller().tenantId, keys ?? null],
  });
  const ids = found.map(({ id }) => id);
  if (ids.length === 0) return [];
  const read = await openStored(topics, await transaction.rows<StoredRecord<Topic>>(liveRecords(topics, ids)));
  return ids.flatMap((id) => read.find((topic) => topic.id === id) ?? []);
}

/** The key is in consents, which never change. */
function keyViolations({ before, after }: RecordChange<Topic>): FieldViolation[] {
  if (!before || before.key === after.key) return [];
  return [{ field: 'key', reason: 'IMMUTABLE', description: 'must stay: consents refer to it' }];
}

function textViolations({ texts }: Topic): FieldViolation[] {
  const seen = new Set<string>();
  return texts.flatMap(({ locale }, index): FieldViolation[] => {
    const field = `texts[${index}].locale`;
    const tag = canonical(locale);
    if (tag === undefined) return [{ field, reason: 'LOCALE_UNKNOWN', description: 'must be a BCP 47 tag' }];
    if (seen.has(tag)) return [{ field, reason: 'DUPLICATE', description: 'must differ from those before' }];
    seen.add(tag);
    return [];
  });
}

/** A tag as ECMA-402 writes it. Undefined for a text of another form. */
export function canonical(locale: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(locale)[0];
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
