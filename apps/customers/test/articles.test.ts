import { ArticleAudience, ArticleState, type Article } from '@rapport/contracts/rapport/content/v1/article';
import { beforeAll, describe, expect, test } from 'vitest';
import { newArticle, newSection } from './new-article.js';
import { readPage } from './public-pages.js';
import { newCaller, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const caller = newCaller();
const create = (given: Partial<Article>) => customers.call('createArticle', { article: newArticle(given) }, caller);
const change = (id: string, given: Partial<Article>) =>
  customers.call('updateArticle', { id, article: newArticle(given), updateMask: Object.keys(given) }, caller);
const publish = (id: string) => customers.call('publishArticle', { id }, caller);
const search = async (q: string, given: object = {}, by = caller) => {
  const { articles } = await customers.call('searchArticles', { q, ...given }, by);
  return articles.map(({ path }) => path);
};
const publishNew = async (given: Partial<Article>) => publish((await create(given)).id);

describe('an article', () => {
  test('is a draft for agents, with one slug for each language', async () => {
    expect(await create({ slug: 'draft', locale: 'de-de' })).toMatchObject({
      ...{ path: 'de-DE/draft', audience: ArticleAudience.AGENTS, state: ArticleState.DRAFT },
      ...{ publishedVersion: 0, changedSincePublish: true, helpfulVotes: 0, published: undefined },
    });
    await expect(create({ slug: 'draft', locale: 'de-DE' })).rejects.toMatchObject({ reason: 'PATH_TAKEN' });
    expect(await create({ slug: 'draft', locale: 'fr' })).toMatchObject({ path: 'fr/draft' });
    await expect(create({ slug: 'other', locale: 'nope-nope-1' })).rejects.toMatchObject({
      violations: [{ field: 'article.locale', reason: 'LOCALE_UNKNOWN' }],
    });
  });

  test('is read as it was published, until it is archived', async () => {
    const { id } = await create({ slug: 'life', title: 'Lifecycle', markdown: 'first zebra' });
    expect(await search('zebra')).toEqual([]);
    expect(await publish(id)).toMatchObject({
      ...{ state: ArticleState.PUBLISHED, publishedVersion: 1, changedSincePublish: false },
      published: { title: 'Lifecycle', markdown: 'first zebra', html: '<p>first zebra</p>\n' },
    });
    expect(await change(id, { markdown: 'second giraffe' })).toMatchObject({ changedSincePublish: true });
    expect([await search('zebra'), await search('giraffe')]).toEqual([['en/life'], []]);

    expect(await customers.call('revertArticle', { id }, caller)).toMatchObject({
      ...{ markdown: 'first zebra', changedSincePublish: false },
    });
    const archived = await customers.call('archiveArticle', { id }, caller);
    expect([archived.state, await search('zebra')]).toEqual([ArticleState.ARCHIVED, []]);
    await publish(id);
    expect(await search('zebra')).toEqual(['en/life']);
    await customers.call('deleteArticle', { id }, caller);
    expect(await search('zebra')).toEqual([]);
    await customers.call('undeleteArticle', { id }, caller);
    expect(await search('zebra')).toEqual(['en/life']);
  });

  test('that was never published is neither reverted nor archived', async () => {
    const { id } = await create({ slug: 'never' });
    for (const method of ['revertArticle', 'archiveArticle'] as const)
      await expect(customers.call(method, { id }, caller)).rejects.toMatchObject({ reason: 'ARTICLE_NOT_PUBLISHED' });
  });

  test('keeps its section from being deleted', async () => {
    const { id } = await customers.call('createArticleSection', { articleSection: newSection() }, caller);
    await create({ slug: 'in-section', sectionId: id });
    await expect(customers.call('deleteArticleSection', { id }, caller)).rejects.toMatchObject({
      reason: 'RECORD_IN_USE',
    });
  });
});

describe('a search of articles', () => {
  beforeAll(async () => {
    const audience = ArticleAudience.PUBLIC;
    await publishNew({ slug: 'reset', title: 'Reset passwords', markdown: 'You forgot it?', audience });
    await publishNew({
      slug: 'sign-in',
      title: 'Sign in',
      markdown: 'With a **password**, resetting it first.',
      audience,
    });
    await publishNew({
      slug: 'vip',
      title: 'Password of partners',
      audience: ArticleAudience.CUSTOMERS,
      markdown: 'x',
    });
    await publishNew({ slug: 'inside', title: 'Password rules inside', markdown: 'x' });
    await publishNew({ slug: 'passwort', locale: 'de', title: 'Passwörter ändern', markdown: 'Häuser', audience });
    await publishNew({ slug: 'mima', locale: 'zh-CN', title: '重置密码', markdown: '请打开设置页面。', audience });
  });

  test('finds words in their forms, those in titles first', async () => {
    expect(await search('password reset', { locale: 'en' })).toEqual(['en/reset', 'en/sign-in']);
    expect(await search('"first password"')).toEqual([]);
    expect(await search('passwort', { locale: 'de' })).toEqual(['de/passwort']);
    expect(await search('haus', { locale: 'de' })).toEqual(['de/passwort']);
    expect(await search('密码')).toEqual(['zh-CN/mima']);
    expect(await search('设置', { locale: 'zh' })).toEqual(['zh-CN/mima']);
    await expect(search('?!')).rejects.toMatchObject({ violations: [{ field: 'q', reason: 'QUERY_NOT_INDEXED' }] });
  });

  test('finds no phrase over the end of a title, or of a text and its other forms', async () => {
    const own = newCaller();
    const article = newArticle({ slug: 'pump', title: 'Clean the pump', markdown: 'Valves first, then hoses.' });
    const { id } = await customers.call('createArticle', { article }, own);
    await customers.call('publishArticle', { id }, own);

    for (const q of ['"clean the pump"', '"valves first"', 'pump valves'])
      expect(await search(q, {}, own), q).toEqual(['en/pump']);
    for (const q of ['"pump valves"', '"pump clean"', '"hoses valves"', '"hoses the valves"'])
      expect(await search(q, {}, own), q).toEqual([]);
  });

  test('finds words in the forms of the language of each article', async () => {
    const own = newCaller();
    const publishAs = async (locale: string, slug: string, title: string, markdown: string) => {
      const article = newArticle({ locale, slug, title, markdown });
      const { id } = await customers.call('createArticle', { article }, own);
      await customers.call('publishArticle', { id }, own);
    };
    await publishAs('de-AT', 'rechnungen', 'Rechnungen ansehen', 'Die Häuser');
    await publishAs('en', 'invoices', 'Viewing invoices', 'Running late');
    await publishAs('ca', 'factures', 'Factures pendents', 'Les cases');
    await publishAs('et', 'arve', 'Arve', 'Majad');
    const found = (q: string) => search(q, {}, own);
    expect([await found('Rechnung'), await found('Häusern')]).toEqual([['de-AT/rechnungen'], ['de-AT/rechnungen']]);
    expect([await found('invoice'), await found('run')]).toEqual([['en/invoices'], ['en/invoices']]);
    expect(await found('factura pendent')).toEqual(['ca/factures']);
    expect([await found('majad'), await found('maja')]).toEqual([['et/arve'], []]);
  });

  test('finds any part of a Chinese or Japanese text, however its words are divided', async () => {
    const own = newCaller();
    const texts = {
      'zh-CN/mima': ['重置密码', '请打开设置页面,联系王小明。iPhone 也可以。'],
      'zh-CN/gongsi': ['字节跳动科技有限公司', '公司介绍'],
      'ja/reset': ['パスワードをリセットする', 'サーバーの設定画面を開きます。東京都'],
    };
    for (const [path, [title, markdown]] of Object.entries(texts)) {
      const [locale, slug] = path.split('/') as [string, string];
      const { id } = await customers.call(
        'createArticle',
        { article: newArticle({ locale, slug, title, markdown }) },
        own,
      );
      await customers.call('publishArticle', { id }, own);
    }
    const found = async (q: string) => [q, ...(await search(q, {}, own))];
    for (const q of [
      '重置',
      '密码',
      '置密',
      '重置密码',
      '小明',
      '王小明',
      '明',
      '页面 iPhone',
      '"打开设置页面"',
      '密码 -字节',
    ])
      expect(await found(q)).toEqual([q, 'zh-CN/mima']);
    for (const q of ['字节', '科技', '有限公司', '公司介绍', '公司 -密码'])
      expect(await found(q)).toEqual([q, 'zh-CN/gongsi']);
    for (const q of ['パスワード', 'リセット', '設定', '設定画面', 'サーバー', '京都'])
      expect(await found(q)).toEqual([q, 'ja/reset']);
    for (const q of ['密跳', '重置 -密码', '-重置密码 设置']) expect(await found(q)).toEqual([q]);
  });

  test('finds an article of as many different letters as one can have', async () => {
    const letter = (index: number) => String.fromCodePoint(0x20000 + ((index * 7_919) % 42_000));
    const markdown = Array.from({ length: 100_000 }, (_, index) => letter(index)).join('');
    await publishNew({ slug: 'letters', locale: 'zh-TW', title: 'All letters', markdown });
    expect(await search(letter(9_000) + letter(9_001))).toEqual(['zh-TW/letters']);
  });

  test('finds what its audience can read, of the own workspace', async () => {
    const found = (audience: ArticleAudience) => search('password -reset', { audience });
    expect(await found(ArticleAudience.PUBLIC)).toEqual([]);
    expect(await found(ArticleAudience.CUSTOMERS)).toEqual(['en/vip']);
    expect((await found(ArticleAudience.UNSPECIFIED)).toSorted()).toEqual(['en/inside', 'en/vip']);
    expect(await search('password', {}, newCaller())).toEqual([]);
  });

  test('has an excerpt in which marks divide neither words nor sentences', async () => {
    const markdown = 'Hold it for **five seconds**, un*believ*ably [long](https://example.com/a).\n\n- `one`\n- two';
    await publishNew({ slug: 'marks', title: 'Marks', markdown });
    const { articles } = await customers.call('searchArticles', { q: 'unbelievably' }, caller);
    expect(articles.map(({ excerpt }) => excerpt)).toEqual(['Hold it for five seconds, unbelievably long. one two']);
  });

  test('cuts an excerpt between two characters', async () => {
    await publishNew({ slug: 'foxes', title: 'Foxes', markdown: `${'x'.repeat(99)}${'🦊'.repeat(150)}` });
    await publishNew({ slug: 'flags', title: 'Foxes', markdown: `${'x'.repeat(99)}${'🇩🇪'.repeat(150)}` });
    const { articles } = await customers.call('searchArticles', { q: 'foxes' }, caller);
    expect(articles.map(({ excerpt }) => excerpt)).toEqual([`${'x'.repeat(99)} …`, `${'x'.repeat(99)}🦊 …`]);
  });

  test('takes any text', async () => {
    for (const q of [`a'b`, 'a & | ! ( )', '"a', 'a:*', '\\a', '-a', 'a <-> b', '🦊 a']) await search(q);
  });
});

describe('the knowledge base', () => {
  let token: string;
  const read = (request: object = {}) => readPage(customers, 'showKnowledgeBase', { token, ...request });
  const readArticle = (path: string, request: object = {}) => {
    const [locale, slug] = path.split('/');
    return readPage(customers, 'showArticle', { token, locale, slug, ...request });
  };
  const vote = (slug: string, helpful: string) => {
    const form = { contentType: 'application/x-www-form-urlencoded', data: Buffer.from(`helpful=${helpful}`) };
    return readPage(customers, 'voteForArticle', { token, locale: 'en', slug, form: { ...form, extensions: [] } });
  };

  beforeAll(async () => {
    const { path } = await customers.call('shareArticles', {}, caller);
    token = path.slice('/kb/'.length);
  });

  test('shows everyone with its link the public articles, by section', async () => {
    const articleSection = newSection({ slug: 'first', name: 'Sign-in <help>' });
    const { id: sectionId } = await customers.call('createArticleSection', { articleSection }, caller);
    await publishNew({ slug: 'codes', title: 'Codes & keys', sectionId, audience: ArticleAudience.PUBLIC });

    const { text } = await read();
    expect(text).toContain('Sign-in &#60;help&#62;');
    expect(text).toContain(`<a href="/kb/${token}/en/codes">Codes &#38; keys</a>`);
    expect(text).not.toContain('partners');
    expect(text.indexOf('Codes')).toBeLessThan(text.indexOf('More articles'));
    expect((await read({ acceptLanguage: 'zh' })).text).toContain('帮助中心');
  });

  test('finds articles by words', async () => {
    const { text } = await read({ q: ' password ' });
    expect(text).toContain('/en/reset');
    expect(text).not.toContain('/en/vip');
    expect((await read({ q: '<b>nothing</b>' })).text).toContain('about “&#60;b&#62;nothing');
  });

  test('shows an article as it was published, and nothing else', async () => {
    const { text } = await readArticle('en/sign-in');
    expect(text).toContain('<strong>password</strong>');
    for (const path of ['en/vip', 'en/inside', 'en/never', 'en/none', "en/' or 1=1", 'de/sign-in'])
      await expect(readArticle(path)).rejects.toMatchObject({ reason: 'PAGE_NOT_FOUND' });
  });

  test('counts votes', async () => {
    const { headers } = await vote('sign-in', 'yes');
    expect([headers.get('location'), headers.get('tenant')]).toEqual([
      `/kb/${token}/en/sign-in#thanks`,
      caller.tenantId,
    ]);
    await vote('sign-in', 'yes');
    await vote('sign-in', 'no');
    const { articles } = await customers.call('listArticles', { filter: 'path = "en/sign-in"' }, caller);
    expect(articles).toMatchObject([{ helpfulVotes: 2, unhelpfulVotes: 1, publishedVersion: 1 }]);
    await expect(vote('sign-in', 'maybe')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(vote('vip', 'yes')).rejects.toMatchObject({ reason: 'PAGE_NOT_FOUND' });
  });

  test('counts each of many votes at once, beside the version of an article and its changes', async () => {
    const audience = ArticleAudience.PUBLIC;
    const article = await publishNew({ slug: 'voted', title: 'Voted', audience });
    await Promise.all(Array.from({ length: 12 }, (_, index) => vote('voted', index % 3 === 0 ? 'no' : 'yes')));

    const voted = await customers.call('getArticle', { id: article.id }, caller);
    expect(voted).toEqual({ ...article, helpfulVotes: 8, unhelpfulVotes: 4 });
    const edited = await customers.call(
      'updateArticle',
      { id: article.id, article: newArticle({ title: 'Edited' }), updateMask: ['title'], etag: article.etag },
      caller,
    );
    expect(edited).toMatchObject({ helpfulVotes: 8, unhelpfulVotes: 4 });
    const { changes } = await customers.call('listArticleHistory', { id: article.id }, caller);
    expect(changes.map(({ changedFields }) => changedFields)).toEqual([
      ['title', 'changedSincePublish'],
      ['state', 'publishedVersion', 'published', 'changedSincePublish'],
      [],
    ]);
    const { articles } = await customers.call('listArticles', { orderBy: 'helpfulVotes desc', pageSize: 1 }, caller);
    expect(articles.map(({ id }) => id)).toEqual([article.id]);
  });

  test('has one link, which can be ended', async () => {
    const { path } = await customers.call('shareArticles', {}, caller);
    await expect(read()).rejects.toMatchObject({ reason: 'PAGE_NOT_FOUND' });
    token = path.slice('/kb/'.length);
    await read();
    await customers.call('unshareArticles', {}, caller);
    await expect(read()).rejects.toMatchObject({ reason: 'PAGE_NOT_FOUND' });
  });
});
