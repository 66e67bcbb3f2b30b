import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { AppError, currentCaller } from '@rapport/platform';
import { MatchStore, type MatchRow } from '../../exchange/pairing/match-store.js';
import { findRun } from './find-run.js';

const pageSize = 1_000;
const columns = ['outcome', 'side', 'recordId', 'customerId', 'score', 'reasons'];

/** Handles DownloadPairing: a CSV (RFC 4180) of the pairs of a run, in the order in which the run found them. */
export async function* downloadPairing(em: EntityManager, id: string): AsyncGenerator<HttpBody> {
  const run = await findRun(em, id);
  if (run.pairing === null) {
    throw new AppError('FAILED_PRECONDITION', 'NOT_PAIRED', 'The run has not paired anything, or not yet.');
  }
  const matches = new MatchStore(em, currentCaller().tenantId, run.mapping_id, id);
  yield body(`${columns.join(',')}\r\n`);
  let last: string | undefined;
  for (;;) {
    const rows = await matches.after(last, ['PAIR', 'QUESTION', 'ONLY_CUSTOMER', 'ONLY_RECORD'], pageSize);
    if (rows.length === 0) return;
    yield body(rows.map(line).join(''));
    last = rows.at(-1)?.id;
  }
}

function line(row: MatchRow): string {
  const reasons = row.reasons.join(' ');
  const values = [row.outcome, row.side ?? '', row.record_id ?? '', row.customer_id ?? '', row.score ?? '', reasons];
  return `${values.map((value) => quoted(String(value))).join(',')}\r\n`;
}

/** Ids come from the peer and may contain anything. */
function quoted(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function body(text: string): HttpBody {
  return { contentType: 'text/csv; charset=utf-8', data: Buffer.from(text), extensions: [] };
}
