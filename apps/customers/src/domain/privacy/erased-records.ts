import type { EntityManager } from '@mikro-orm/postgresql';
import type { Customer as CustomerMessage } from '@rapport/contracts/rapport/customers/v1/customer';
import type { ErasedData } from '@rapport/contracts/rapport/customers/v1/privacy_service';
import { transactionPipeline, type Statement } from '@rapport/persistence';
import { recordName } from '../../engine/fields/record-names.js';
import { personalTexts } from '../../engine/changes/erasure/cleared-record.js';
import { destroyLater } from '../../engine/encryption/forget-keys.js';
import type { ErasedReferences } from '../../engine/changes/erasure/erase-references.js';
import {
  eraseIssues,
  removeImportLeftovers,
  type ErasedRecord,
} from '../../engine/changes/erasure/erasure-statements.js';
import { customerType } from '../../engine/records/customers/customer-type.js';

/**
 * What an erasure has removed so far: counts, and ids. It also removes, page by page, what imports store about the
 * records.
 */
export class ErasedRecords implements ErasedReferences {
  /** Ids of all records whose values the change log may contain. */
  readonly ids: string[] = [];
  /** Resource names of records whose files are erased too. */
  readonly names: string[] = [];
  readonly #counts = new Map<string, number>();

  constructor(private readonly em: EntityManager) {}

  /** The nonzero counts, in the order in which they were first counted. */
  get counts(): ErasedData[] {
    return [...this.#counts].map(([dataClass, count]) => ({ dataClass, count })).filter(({ count }) => count > 0);
  }

  count(dataClass: string, more: number): void {
    this.#counts.set(dataClass, (this.#counts.get(dataClass) ?? 0) + more);
  }

  onRecords = async (records: readonly ErasedRecord[]): Promise<void> => {
    for (const { type, record } of records) {
      this.count(type.plural, 1);
      this.ids.push(record.id);
      this.names.push(recordName(type.table, record.id));
    }
    await this.removeImported(records);
  };

  onKeys: ErasedReferences['onKeys'] = (keys) => destroyLater(this.em, keys);

  onAssociations = (ids: readonly string[]): void => {
    for (const id of ids) this.ids.push(id);
  };

  /** What imports store about records, or quote from them. */
  async removeImported(records: readonly ErasedRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#run('importLeftovers', removeImportLeftovers(records));
    for (const some of chunks(records, 100)) {
      const issues = eraseIssues(
        some.map(({ record }) => record.id),
        some.flatMap(quotedOf),
      );
      await this.#run('importIssues', [issues]);
    }
  }

  async #run(dataClass: string, statements: Statement[]): Promise<void> {
    this.count(dataClass, (await transactionPipeline(this.em, statements)).flat().length);
  }
}

export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

/** Texts of a record that import issues may quote. */
function quotedOf({ type, record }: ErasedRecord): string[] {
  if (type !== customerType()) return personalTexts(type, record);
  const { displayName = '', emails, phones } = record as CustomerMessage;
  return [displayName, ...emails.map(({ address }) => address), ...phones.map(({ number }) => number)];
}
