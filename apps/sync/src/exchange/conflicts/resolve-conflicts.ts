import { readForTenant, type Statement } from '@rapport/persistence';
import type { EntityManager } from '@mikro-orm/postgresql';
import { AppError } from '@rapport/platform';
import type { ExchangeContext } from '../exchange-context.js';
import type { ResolveRequest } from '../runs/run-store.js';
import { applyChoice } from './apply-choice.js';
import { conflictQuery, type ConflictRow } from './conflict-row.js';

const pageSize = 100;

/** Resolves the conflicts that match a request, page by page. A repetition resolves the remaining ones in the same way. */
export class ConflictResolver {
  /** @param em of the mapping's tenant */
  constructor(
    private readonly em: EntityManager,
    private readonly context: ExchangeContext,
  ) {}

  /** @param onPage called after each page */
  async resolve({ choice, kind, minScore }: ResolveRequest, onPage: () => Promise<void>): Promise<void> {
    const { tenantId, id: mappingId } = this.context.mapping;
    const counts = { resolved: 0, skipped: 0 };
    this.context.resolution = counts;
    const run = <Row extends object>(statement: Statement) => readForTenant<Row>(this.em, statement);
    let last: string | undefined;
    do {
      this.context.signal.throwIfAborted();
      const rows = await run<ConflictRow>({
        name: 'conflicts_to_resolve',
        sql: `${conflictQuery} and conflict.mapping_id = $2 and ($3::text is null or conflict.kind = $3)
            and ($4::uuid is null or conflict.id > $4) and ($5::int is null or exists (
              select from sync_candidate candidate
              where candidate.tenant_id = $1 and candidate.mapping_id = $2 and not candidate.is_refuted
                and candidate.score >= $5
                and (candidate.record_id = link.record_id
                  or (link.record_id is null and candidate.customer_id = link.customer_id))))
          order by conflict.id limit ${pageSize}`,
        values: [tenantId, mappingId, kind ?? null, last ?? null, minScore ?? null],
      });
      for (const conflict of rows) {
        counts[await this.#decide(run, conflict, choice)] += 1;
      }
      await onPage();
      last = rows.at(-1)?.id;
    } while (last !== undefined);
  }

  async #decide(
    run: <Row extends object>(statement: Statement) => Promise<Row[]>,
    conflict: ConflictRow,
    choice: ResolveRequest['choice'],
  ): Promise<'resolved' | 'skipped'> {
    try {
      await applyChoice(run, this.context.mapping.tenantId, conflict, { choice });
      return 'resolved';
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      return 'skipped';
    }
  }
}
