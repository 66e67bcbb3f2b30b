import { dayIn } from './deals.ts';
import story from './story.json' with { type: 'json' };
import type { Scene } from './users.ts';

/** What each owner is to sell in a quarter, in euros, by a part of the name. */
const quotas = { Mara: '120000', Tobias: '260000', 薇: '60000', Inês: '25000', Samuel: '35000' };

/** What owners expect to sell in this quarter: the later of an owner replaces the earlier one. */
const submissions: readonly [owner: keyof typeof quotas, category: string, amount: string, note: string][] = [
  ['Tobias', 'COMMIT', '350000', 'Milano and the substation are agreed, signatures follow.'],
  ['Mara', 'COMMIT', '84400', 'The calibration contract is with their legal department.'],
  ['薇', 'COMMIT', '30750', '量规套件推迟到明年一月。'],
  ['Inês', 'BEST_CASE', '15050', 'Oven logging, if they decide before the holidays.'],
  ['Tobias', 'COMMIT', '365400', 'Politecnico di Milano confirmed the date of signature.'],
];

const losses: readonly [
  title: string,
  company: string,
  amount: string,
  owner: string,
  reason: string,
  ...stages: string[],
][] = [
  ['Line scale, hall 2', 'Řezníček Logistika s.r.o.', '28600', 'Tobias', 'Price', 'qualified', 'discovery', 'proposal'],
  ['Weather station', 'Háskóli Íslands', '17300', 'Samuel', 'No budget', 'qualified', 'discovery'],
  ['Gauge lease, 24 months', 'Öğretmen Yayınları A.Ş.', '9800', 'Inês', 'Price', 'qualified', 'discovery', 'proposal'],
  ['Torque audit', 'Stanford University', '12500', 'Samuel', 'Other supplier', 'discovery', 'proposal', 'negotiation'],
  ['Cleanroom sensors', 'Tsinghua University', '41900', '薇', 'Price', 'proposal', 'negotiation'],
  ['Balance trial', 'Universidade de Coimbra', '5200', 'Inês', 'No decision', 'qualified'],
];

/** Gives deals their teams, and this quarter and its months quotas and submissions. A few deals are lost. */
export async function makeForecasts(scene: Scene): Promise<void> {
  const { admin, actor } = scene;
  const now = new Date();
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const quarter = Math.floor(month / 3);
  const period = `${year}-Q${quarter + 1}`;
  const months = [1, 2, 3].map((each) => `${year}-${String(quarter * 3 + each).padStart(2, '0')}`);
  const euros = (amount: string) => ({ amount, currencyCode: 'EUR' });
  const items = [
    { period, amount: euros('500000') },
    ...months.map((each) => ({ period: each, amount: euros('166000') })),
    ...Object.entries(quotas).map(([name, amount]) => ({ period, amount: euros(amount), ownerId: actor(name).id })),
    ...(await makeTeams(scene)).map((ownerTeamId, index) => ({
      ...{ period, ownerTeamId, amount: euros(index === 0 ? '400000' : '100000') },
    })),
  ];
  await admin('POST', '/v1/quotas:batchCreate', { items: items.map((quota) => ({ quota })) });
  for (const [owner, category, amount, note] of submissions) {
    const submission = { period, category, amount: euros(amount), note, ownerId: actor(owner).id };
    await admin('POST', '/v1/forecastSubmissions', submission);
  }
  await loseDeals(scene);
}

/** Gives each deal the team of its owner. @returns the ids of the teams, the first one first */
async function makeTeams({ admin, actor }: Scene): Promise<string[]> {
  const { teams } = await admin<{ teams: { id: string; displayName: string }[] }>('GET', '/v1/teams');
  const ids = story.teams.map((name) => teams.find(({ displayName }) => displayName === name)?.id ?? '');
  const { deals } = await admin<{ deals: { id: string; ownerId?: string }[] }>('GET', '/v1/deals?pageSize=100');
  const teamOf = new Map(
    story.users.flatMap(({ name, team }) =>
      team === undefined ? [] : [[actor(name).id, ids[story.teams.indexOf(team)]] as const],
    ),
  );
  const items = deals.flatMap(({ id, ownerId = '' }) => {
    const ownerTeamId = teamOf.get(ownerId);
    return ownerTeamId === undefined ? [] : [{ id, deal: { ownerTeamId }, updateMask: ['ownerTeamId'] }];
  });
  await admin('POST', '/v1/deals:batchUpdate', { items });
  return ids;
}

async function loseDeals({ admin, actor, id }: Scene): Promise<void> {
  const { pipelines } = await admin<{ pipelines: { id: string }[] }>('GET', '/v1/pipelines');
  const lost = losses.map(async ([title, company, amount, owner, reason, stage, ...stages]) => {
    const { api, id: ownerId } = actor(owner);
    const deal = await api('POST', '/v1/deals', {
      ...{ title, stage, ownerId, pipelineId: pipelines[0]?.id, customerId: id(`customers/${company}`) },
      ...{ amount: { amount, currencyCode: 'EUR' }, closeDate: dayIn(-2) },
    });
    for (const next of stages) await api('PATCH', `/v1/deals/${deal.id}`, { stage: next });
    await api('POST', `/v1/deals/${deal.id}:lose`, { reason });
  });
  await Promise.all(lost);
}
