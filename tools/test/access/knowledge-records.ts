import { newMarker, once } from './markers.ts';

/** How records are created and deleted over REST. */
interface Creating {
  create: (path: string, body?: object) => Promise<string>;
  remove: (collection: string, id: string) => Promise<string>;
}

/** Creates templates, surveys, topics, and articles with their sections. */
export function knowledgeRecords({ create, remove }: Creating, marker: string) {
  const makeTemplate = () => create('/v1/templates', { key: newMarker(), name: marker, body: marker });
  const makeSection = () => create('/v1/articleSections', { slug: newMarker(), name: marker });
  const makeArticle = () =>
    create('/v1/articles', { slug: newMarker(), locale: 'en', title: marker, markdown: marker });
  // It asks nobody: other tests solve tickets.
  const makeSurvey = () => create('/v1/surveys', { name: marker, question: marker, state: 'PAUSED' });
  const makeTopic = () => create('/v1/topics', { key: newMarker(), name: marker });
  return {
    living: {
      templates: once(makeTemplate),
      articleSections: once(makeSection),
      articles: once(makeArticle),
      surveys: once(makeSurvey),
      topics: once(makeTopic),
    },
    deleted: {
      templates: async () => remove('templates', await makeTemplate()),
      articleSections: async () => remove('articleSections', await makeSection()),
      articles: async () => remove('articles', await makeArticle()),
      surveys: async () => remove('surveys', await makeSurvey()),
      topics: async () => remove('topics', await makeTopic()),
    },
  };
}
