import { ConnectorError } from '../../connectors/connector-error.js';
import type { WriteItem, WriteResult } from '../../connectors/connector.js';
import type { JsonObject, PeerRecord } from '../../connectors/peer-record.js';
import type { ExchangeContext } from '../exchange-context.js';
import type { Intent, Link } from '../links/link.js';
import { intendPlain } from './intend.js';
import { refusedByPeer } from './refused-fields.js';
import { done, stale, type Written } from './written.js';

/** Writes the record of a pair, and stores its id and version in the link. */
export class RecordWriter {
  constructor(private readonly context: ExchangeContext) {}

  /** Creates the record of the intent. The id of the link is its key, so a repetition creates no second one. */
  async create(link: Link, { record, base }: Intent & { record: JsonObject }): Promise<Written> {
    const written = await this.#write(link, { kind: 'CREATE', key: link.id, fields: record });
    // Another client may have edited the record since, but it was created with these values.
    if (written.outcome !== 'REFUSED') link.base = base;
    if (written.outcome === 'DONE') link.copyVersion = link.recordVersion;
    return written;
  }

  /** @param fields the changed ones, in the peer's form */
  async update(link: Link, { id, version }: PeerRecord, fields: JsonObject): Promise<Written> {
    const written = await this.#write(link, { kind: 'UPDATE', id, expectedVersion: version, fields });
    // A record that was edited since the exchange created it no longer counts as a copy.
    const isCopy = written.outcome === 'DONE' && link.copyVersion === version;
    link.copyVersion = isCopy ? link.recordVersion : null;
    return written;
  }

  async delete(link: Link, { id, version }: PeerRecord): Promise<Written> {
    await intendPlain(this.context, link);
    return this.#write(link, { kind: 'DELETE', id, expectedVersion: version });
  }

  async #write(link: Link, item: WriteItem): Promise<Written> {
    const { peer, mapping, signal } = this.context;
    const [result] = await peer.write({ recordType: mapping.recordType, items: [item], signal });
    link.sealedIntent = null;
    return this.#note(link, result);
  }

  #note(link: Link, result: WriteResult | undefined): Written {
    switch (result?.kind) {
      case 'WRITTEN':
        link.recordId = result.id;
        link.recordVersion = result.version ?? null;
        return done;
      case 'CONFLICT':
        link.recordId ??= result.id;
        return stale;
      case 'REJECTED': {
        const message = result.issues.map((issue) => [issue.field, issue.message].filter(Boolean).join(': ')).join(' ');
        const fields = refusedByPeer(this.context.mapping.fields, result.issues);
        return { outcome: 'REFUSED', conflict: { kind: 'REJECTED', message }, ...(fields && { fields }) };
      }
      case 'RETRY_LATER':
        throw new ConnectorError('RATE_LIMITED', 'The peer takes no more for now.', result);
      case undefined:
        throw new Error('A connector returned no result.');
      default:
        return result satisfies never;
    }
  }
}
