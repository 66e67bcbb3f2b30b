import {
  TemplateFormat,
  TemplateKind,
  TemplateState,
  type Template,
} from '@rapport/contracts/rapport/content/v1/template';
import { describe, expect, test } from 'vitest';
import { newTemplate } from './new-template.js';
import { newCaller, person, sharedCustomers } from './running-customers.js';

const customers = await sharedCustomers();
const caller = newCaller();
let keys = 0;
const create = (given: Partial<Template> = {}) =>
  customers.call('createTemplate', { template: newTemplate({ key: `welcome_${(keys += 1)}`, ...given }) }, caller);
const change = (id: string, given: Partial<Template>) =>
  customers.call('updateTemplate', { id, template: newTemplate(given), updateMask: Object.keys(given) }, caller);
const publish = (id: string) => customers.call('publishTemplate', { id }, caller);
const render = (id: string, rendering: object = {}) =>
  customers.call('renderTemplate', { id, rendering: { records: [], published: false, ...rendering } }, caller);

describe('a template', () => {
  test('is a draft in text for e-mails, unless it says otherwise', async () => {
    expect(await create()).toMatchObject({
      ...{ kind: TemplateKind.EMAIL, format: TemplateFormat.TEXT, state: TemplateState.DRAFT },
      ...{ publishedVersion: 0, changedSincePublish: true, published: undefined },
    });
    await expect(create({ locale: 'xx-unknown' })).rejects.toMatchObject({
      violations: [{ field: 'template.locale', reason: 'LOCALE_UNKNOWN' }],
    });
    await expect(create({ key: 'welcome_1' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('sends what was last published, whatever its draft is', async () => {
    const { id } = await create({ subject: 'For {{ customer.givenName }}', body: 'one {{ deal.title }}' });
    expect(await publish(id)).toMatchObject({
      ...{ state: TemplateState.PUBLISHED, publishedVersion: 1, changedSincePublish: false },
      published: { body: 'one {{ deal.title }}', variables: ['customer.givenName', 'deal.title'] },
    });
    expect(await change(id, { body: 'two' })).toMatchObject({ changedSincePublish: true });
    expect(await render(id, { published: true })).toMatchObject({ text: 'one ' });
    expect(await render(id)).toMatchObject({ text: 'two' });
    expect(await publish(id)).toMatchObject({
      publishedVersion: 2,
      published: { body: 'two', variables: ['customer.givenName'] },
    });
  });

  test('with a fault can be saved and checked, but neither published nor rendered', async () => {
    const { id } = await create({ body: 'Hello\n{% foo %}' });
    expect(await customers.call('validateTemplate', { id }, caller)).toEqual({
      faults: [{ field: 'body', line: 2, column: 1, message: 'tag "foo" not found' }],
      variables: [],
    });
    await expect(publish(id)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'TEMPLATE_INVALID' });
    await expect(render(id)).rejects.toMatchObject({ reason: 'TEMPLATE_INVALID' });
    await expect(render(id, { published: true })).rejects.toMatchObject({ reason: 'TEMPLATE_NOT_PUBLISHED' });
  });

  test('that shows what records do not have is not published', async () => {
    const body = 'Dear {{ customer.givenname }},\n{{ customer.emails[0].address }} {{ deal.stage_ }} {{ link }}';
    const { id } = await create({ subject: '{{ survey.url }}', body });
    expect(await customers.call('validateTemplate', { id }, caller)).toEqual({
      faults: [
        {
          ...{ field: 'body', line: 1, column: 9 },
          message: 'customer.givenname is no field of a customer: write customer.givenName.',
        },
        { field: 'body', line: 2, column: 37, message: 'deal.stage_ is no field of a deal: write deal.stage.' },
      ],
      variables: [],
    });
    await expect(publish(id)).rejects.toMatchObject({ reason: 'TEMPLATE_INVALID' });
    await change(id, { body: '{% assign name = "givenName" %}{{ customer[name] }}{{ customer.customFields.nick }}' });
    expect(await publish(id)).toMatchObject({ state: TemplateState.PUBLISHED });
  });

  test('shows no part of a character where a long subject or fault is cut', async () => {
    const { id } = await create({ subject: "{{ 'x' | append: customer.tags }}{% for i in (1..600) %}🦊{% endfor %}" });
    expect((await render(id)).subject).toBe(`x${'🦊'.repeat(600)}`);
    const long = await create({ subject: '{% for i in (1..500) %}🇩🇪{% endfor %}' });
    expect((await render(long.id)).subject).toBe('🇩🇪'.repeat(499));
    const { faults } = await customers.call(
      'validateTemplate',
      { id: (await create({ body: `{% ${'a'.repeat(494)}🦊 %}` })).id },
      caller,
    );
    expect(faults.map(({ message }) => message).join('')).not.toContain('\uFFFD');
  });

  test('in MJML sends the HTML that it was compiled to when it was published', async () => {
    const body =
      '<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ a }}</mj-text></mj-column></mj-section></mj-body></mjml>';
    const { id } = await create({ format: TemplateFormat.MJML, body });
    const { published } = await publish(id);
    expect(published).toMatchObject({
      body,
      variables: ['a'],
      html: expect.stringContaining('Hi {{ a }}</div>') as string,
    });
    expect(await render(id, { published: true })).toEqual(await render(id));
    expect(await render(id)).toMatchObject({ text: 'Hi', html: expect.stringMatching(/^<!doctype html>/i) as string });
    await change(id, { body: body.replace('<mj-text>', '<mj-include path="/etc/passwd" /><mj-text>') });
    await expect(publish(id)).rejects.toMatchObject({ reason: 'TEMPLATE_INVALID' });
  });

  test('is rendered with records as the caller sees them', async () => {
    const { id: customerId } = await customers.create(caller, person({ givenName: 'Ada', displayName: 'Ada <L>' }));
    const { id } = await create({ format: TemplateFormat.HTML, body: '<p>{{ customer.displayName }}</p>' });
    const records = [{ type: 'customers', id: customerId }];

    expect(await render(id, { records })).toEqual({
      ...{ subject: undefined, text: 'Ada <L>', html: '<p>Ada &lt;L&gt;</p>' },
    });

    const request = { id, rendering: { records, published: false } };
    const hiding = { ...caller, hidesPii: true };
    expect(await customers.call('renderTemplate', request, hiding)).toMatchObject({ html: '***' });
    const narrow = { ...caller, permissions: ['templates.read'] };
    await expect(customers.call('renderTemplate', request, narrow)).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    const stranger = newCaller();
    await expect(customers.call('renderTemplate', request, stranger)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each([
    [[{ type: 'nothings', id: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11' }], 'type', 'RECORD_TYPE_UNKNOWN'],
    [[{ type: 'customers', id: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11' }], 'id', 'RECORD_NOT_FOUND'],
  ])('is not rendered with %j', async (records, field, reason) => {
    const { id } = await create();
    await expect(render(id, { records })).rejects.toMatchObject({
      violations: [{ field: `rendering.records[0].${field}`, reason }],
    });
  });
});
