import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

interface Estimate {
  audience: number;
}

/** Think time between the steps, in seconds. */
const lookSeconds = 1;

/** A marketer who lists campaigns, drafts one, and asks how many customers it reaches. Nothing is sent. */
export function marketing(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['ListCampaigns', 'CreateCampaign', 'EstimateCampaign'],
    setup: () => api.send<{ id: string }>('POST', 'CreateSegment', '/v1/segments', newSegment()).body?.id,
    run(segmentId) {
      const { body } = api.get<{ campaigns: unknown[] }>('ListCampaigns', '/v1/campaigns?pageSize=20');
      check(body, { 'campaigns are listed': (answer) => answer !== undefined });
      sleep(lookSeconds);
      const campaign = newCampaign(segmentId as string);
      const { id = '' } = api.send<{ id: string }>('POST', 'CreateCampaign', '/v1/campaigns', campaign).body ?? {};
      check(id, { 'a campaign is drafted': (created) => created !== '' });
      sleep(lookSeconds);
      const path = `/v1/campaigns/${id}:estimate`;
      const { body: estimate } = api.get<Estimate>('EstimateCampaign', path);
      check(estimate, { 'its audience is counted': (answer) => answer?.audience === 0 });
      sleep(lookSeconds);
    },
  };
}

function newSegment() {
  return { key: `s${uniqueText().replaceAll(/\W/g, '').toLowerCase()}`, name: uniqueText(), kind: 'STATIC' };
}

/** What it refers to is checked when it is started. */
function newCampaign(segmentId: string) {
  const id = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a15';
  const variants = [{ key: 'a', templateId: id }];
  return { name: uniqueText(), topicKey: 'news', mailboxId: id, includeSegmentIds: [segmentId], variants };
}
