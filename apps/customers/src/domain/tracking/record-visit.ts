import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  TrackingPagesServiceService as Methods,
  type FollowTrackedLinkRequest,
  type LoadTrackedImageRequest,
} from '@rapport/contracts/rapport/marketing/v1/tracking_pages_service';
import {
  readForTenant,
  timerStatement,
  type StatementTransaction,
  type TransactionStatement,
} from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { redirection } from '../links/page-forms.js';
import { pageNotFound, workAsLink, type LinkParts } from '../links/public-links.js';
import type { Visits } from './judge-visits.js';
import { visitsKind } from './settle-visits.js';
import { readImageToken, readLinkToken, type ClaimedLink } from './tracking-token.js';

/** How long a burst of visits lasts after each of them. */
const quietMs = 120_000;

/** How long a burst lasts at most. */
const longestMs = 1_800_000;

/** The smallest GIF: one transparent pixel. */
const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');

/** Handles FollowTrackedLink. The URL is one that the campaign had when the mail was sent, whatever the token says. */
export async function followLink(parts: LinkParts, request: FollowTrackedLinkRequest): Promise<HttpBody> {
  const claimed = readLinkToken(request.token);
  if (!claimed) throw pageNotFound();
  const { number, count: linkCount, part } = claimed;
  return workAsLink(parts, { tenantId: claimed.tenantId, id: claimed.recipientId }, async () => {
    const { url } = await findMail(parts, claimed, number);
    if (url === null) throw pageNotFound();
    const visit = { part, number, linkCount, isProgram: request.fromProgram };
    // The token stays out of what the write knows of its request.
    const logged = { fromProgram: request.fromProgram, token: '', requestId: undefined };
    return hotWriteCall(parts.em, Methods.followTrackedLink, logged, async (transaction) => {
      await recordVisit(transaction, claimed.recipientId, visit);
      return redirection({ location: url });
    });
  });
}

/** Handles LoadTrackedImage. */
export async function loadImage(parts: LinkParts, request: LoadTrackedImageRequest): Promise<HttpBody> {
  const claimed = readImageToken(request.token);
  if (!claimed) throw pageNotFound();
  return workAsLink(parts, { tenantId: claimed.tenantId, id: claimed.recipientId }, async () => {
    await findMail(parts, claimed, 0);
    const visit = { part: 'IMAGE' as const, number: 0, linkCount: 0, isProgram: request.fromProgram };
    const logged = { fromProgram: request.fromProgram, token: '', requestId: undefined };
    return hotWriteCall(parts.em, Methods.loadTrackedImage, logged, async (transaction) => {
      await recordVisit(transaction, claimed.recipientId, visit);
      return { contentType: 'image/gif', data: pixel, extensions: [] };
    });
  });
}

type Claim = Pick<ClaimedLink, 'recipientId' | 'isSignedBy'>;

/** @param number of the link; 0 for the first one @throws AppError NOT_FOUND PAGE_NOT_FOUND unless the token is one of the tenant */
async function findMail(
  { em }: LinkParts,
  { recipientId, isSignedBy }: Claim,
  number: number,
): Promise<{ url: string | null }> {
  const [mail] = await readForTenant<{ secret: Buffer; recipient: string | null; url: string | null }>(em, {
    name: 'mail_of_link',
    sql: `select secret, recipient.id as recipient, link.url from mail_key
      left join campaign_recipient recipient on recipient.tenant_id = $1 and recipient.id = $2
      left join lateral (select url from campaign_link where tenant_id = $1 and campaign_id = recipient.campaign_id
        and ($3 = 0 or number = $3) order by number limit 1) link on true
      where mail_key.tenant_id = $1`,
    values: [currentCaller().tenantId, recipientId, number],
  });
  if (!mail || !isSignedBy(mail.secret) || mail.recipient === null) throw pageNotFound();
  return mail;
}

/** The burst ends by a timer, which later visits postpone. Each transaction locks it before the visits. */
async function recordVisit(
  transaction: StatementTransaction,
  recipientId: string,
  visit: Omit<Visits, 'firstMs' | 'lastMs'>,
): Promise<void> {
  const { tenantId } = currentCaller();
  const [burst] = await transaction.rows<{ first_ms: number | null }>({
    name: 'first_visit_of_burst',
    sql: `select (extract(epoch from min(first_time)) * 1000)::float8 as first_ms from campaign_visit
      where tenant_id = $1 and recipient_id = $2`,
    values: [tenantId, recipientId],
  });
  const nowMs = Date.now();
  const dueMs = Math.min(nowMs + quietMs, (burst?.first_ms ?? nowMs) + longestMs);
  const target = { tenantId, recordType: 'campaign_recipient', recordId: recipientId };
  transaction.later(
    timerStatement({ ...target, kind: visitsKind, purpose: 'visits', dueTime: new Date(dueMs) }),
    visitStatement(recipientId, visit, new Date(nowMs)),
  );
}

function visitStatement(
  recipientId: string,
  { part, number, linkCount, isProgram }: Omit<Visits, 'firstMs' | 'lastMs'>,
  time: Date,
): TransactionStatement {
  return {
    name: 'record_visit',
    sql: `insert into campaign_visit
        (tenant_id, recipient_id, part, number, is_program, link_count, first_time, last_time)
      values ($1, $2, $3, $4, $5, $6, $7, $7)
      on conflict (tenant_id, recipient_id, part, number, is_program)
      do update set last_time = greatest(campaign_visit.last_time, excluded.last_time)`,
    values: [currentCaller().tenantId, recipientId, part, number, isProgram, linkCount, time.toISOString()],
  };
}
