import { expect, it } from 'vitest';
import { runLiquid, type TemplateSource } from './render-liquid.js';

const values = {
  customer: { givenName: 'Ada <b>', notes: 'one\ntwo & three' },
  tags: ['a', 'b'],
  time: '2026-07-01T22:30:00Z',
};

const render = (source: Partial<TemplateSource>, given: object = values) =>
  runLiquid('tenant', {
    source: { isHtml: false, body: '', ...source },
    rendering: { values: given, timeZone: 'Europe/Berlin', locale: 'en' },
  });

it.each([
  ['a value as it is', '{{ customer.givenName }}', 'Ada <b>'],
  ['nothing for a value that is absent', '[{{ customer.nickname }}{{ nobody.name }}]', '[]'],
  ['loops and conditions', '{% for tag in tags %}{% if tag == "b" %}{{ tag }}{% endif %}{% endfor %}', 'b'],
  ['times in the time zone of the workspace', '{{ time | date: "%Y-%m-%d %H:%M" }}', '2026-07-02 00:30'],
])('a text shows %s', async (_what, body, text) => {
  expect(await render({ body })).toEqual({ rendered: { subject: undefined, text } });
});

it('HTML shows no value as markup', async () => {
  const body = '<p title="{{ customer.givenName }}">{{ customer.givenName | escape }}</p>{{ customer.notes | lines }}';
  expect(await render({ isHtml: true, body })).toMatchObject({
    rendered: { html: '<p title="Ada &lt;b&gt;">Ada &lt;b&gt;</p>one<br>\ntwo &amp; three' },
  });
  expect(await render({ isHtml: true, body: '{{ customer.givenName | raw }}' })).toMatchObject({
    faults: [{ field: 'body', line: 1, message: 'undefined filter: raw' }],
  });
});

it('HTML has a plain text: its own, or that of the HTML', async () => {
  const body = '<p>Hello <a href="https://rapport.example/a">Ada</a></p><p>Bye</p>';
  expect(await render({ isHtml: true, body })).toMatchObject({
    rendered: { text: 'Hello Ada [https://rapport.example/a]\n\nBye' },
  });
  expect(await render({ isHtml: true, body, textBody: '{{ customer.givenName }}' })).toMatchObject({
    rendered: { text: 'Ada <b>' },
  });
});

it('a subject is one line', async () => {
  const subject = '{{ text }}';
  expect(await render({ subject, body: 'x' }, { text: 'Hello\r\nBcc: all@example.com' })).toMatchObject({
    rendered: { subject: 'Hello Bcc: all@example.com' },
  });
});

it('a check names all faults with their places, or all values that the template shows', async () => {
  const faulty = { isHtml: false, subject: '{{ a', body: 'x\n  {% foo %}' };
  expect(await runLiquid('tenant', { source: faulty })).toEqual({
    faults: [
      { field: 'subject', line: 1, column: 1, message: 'output "{{ a" not closed' },
      { field: 'body', line: 2, column: 3, message: 'tag "foo" not found' },
    ],
  });
  const sound = {
    isHtml: true,
    subject: '{{ ticket.number }}',
    body: '{% assign x = customer.name %}{{ x }}{{ b.c }}',
  };
  expect(await runLiquid('tenant', { source: sound })).toEqual({
    variables: ['b.c', 'customer.name', 'ticket.number'],
    found: [
      { field: 'subject', name: 'ticket.number', segments: ['ticket', 'number'], line: 1, column: 4 },
      { field: 'body', name: 'customer.name', segments: ['customer', 'name'], line: 1, column: 15 },
      { field: 'body', name: 'b.c', segments: ['b', 'c'], line: 1, column: 41 },
    ],
  });
});

it.each<[what: string, body: string, text?: string]>([
  ['reads a file', '{% include "/etc/passwd" %}'],
  ['renders a file', '{% render "./liquid-worker.ts" %}'],
  ['has a layout', '{% layout "x" %}'],
  ['reads a prototype', '{{ customer.constructor.constructor }}{{ customer.__proto__ | json }}!', '!'],
  ['has no end', '{% for a in (1..100000000) %}{% for b in (1..100000000) %}x{% endfor %}{% endfor %}'],
  ['takes all memory', '{% assign s = "xxxxxxxx" %}{% for i in (1..60) %}{% assign s = s | append: s %}{% endfor %}'],
  ['is too long', '{% for i in (1..60000) %}0123456789{% endfor %}'],
  ['is nested too deeply', '{% if a %}'.repeat(15_000)],
])('a template that %s is refused, and the next one rendered', { timeout: 30_000 }, async (_what, body, text) => {
  const done = await render({ body });
  if (text === undefined) expect(done).toHaveProperty('faults');
  else expect(done).toHaveProperty('rendered.text', text);
  expect(await render({ body: '{{ tags[0] }}' })).toMatchObject({ rendered: { text: 'a' } });
});
