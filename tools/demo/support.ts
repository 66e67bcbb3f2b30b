import type { Api } from './api.ts';
import { idsOf } from './deals.ts';
import data from './support.json' with { type: 'json' };

/** Creates queues, tickets with their conversations, a knowledge base, a template and a survey. */
export async function makeSupport(api: Api): Promise<void> {
  await makeArticles(api);
  const template = await api('POST', '/v1/templates', data.template);
  await api('POST', `/v1/templates/${template.id}:publish`);
  await api('POST', '/v1/surveys', data.survey);
  const queueIds = new Map<string, string>();
  for (const queue of data.queues) queueIds.set(queue.key, (await api('POST', '/v1/queues', queue)).id);
  const people = [...(await idsOf(api, 'customers', 'displayName', 'kind = PERSON')).values()];
  for (const [index, { ticket, queue = 'support', message, note, status, isSolved }] of data.tickets.entries()) {
    const customerId = people[(index * 5) % people.length];
    const { id } = await api('POST', '/v1/tickets', { ...ticket, customerId, queueId: queueIds.get(queue) });
    await api('POST', `/v1/tickets/${id}:addMessage`, { text: message });
    if (note !== undefined) await api('POST', `/v1/tickets/${id}:addNote`, { text: note });
    if (status !== undefined) await api('POST', `/v1/tickets/${id}:setStatus`, { status });
    if (isSolved === true) await api('POST', `/v1/tickets/${id}:solve`);
  }
}

async function makeArticles(api: Api): Promise<void> {
  for (const { section, articles } of data.articles) {
    const { id: sectionId } = await api('POST', '/v1/articleSections', section);
    for (const article of articles) {
      const { id } = await api('POST', '/v1/articles', { ...article, locale: 'en', audience: 'PUBLIC', sectionId });
      await api('POST', `/v1/articles/${id}:publish`);
    }
  }
}
