import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';

/**
 * Stores the links of a campaign, and returns the numbers of their URLs. A URL keeps its number: it can be in mails that were sent
 * before. To be called once for each change of the content, before the first mail is rendered.
 *
 * @param urls as `collectLinks` returns them, of all variants
 */
export async function storeCampaignLinks(
  transaction: StatementTransaction,
  campaignId: string,
  urls: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const known = await readCampaignLinks(transaction, campaignId);
  const added = [...new Set(urls)].filter((url) => !known.has(url));
  if (added.length === 0) return known;
  const numbers = new Map([...known, ...added.map((url, index) => [url, known.size + index + 1] as const)]);
  transaction.later({
    name: 'insert_campaign_links',
    sql: `insert into campaign_link (tenant_id, campaign_id, number, url)
      select $1, $2, number, url from unnest($3::int[], $4::text[]) as link (number, url)`,
    values: [currentCaller().tenantId, campaignId, added.map((url) => numbers.get(url)), added],
  });
  return numbers;
}

/** The numbers of the URLs of a campaign. */
export async function readCampaignLinks(
  transaction: StatementTransaction,
  campaignId: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await transaction.rows<{ number: number; url: string }>({
    name: 'campaign_links',
    sql: 'select number, url from campaign_link where tenant_id = $1 and campaign_id = $2 order by number',
    values: [currentCaller().tenantId, campaignId],
  });
  return new Map(rows.map(({ number, url }) => [url, number]));
}
