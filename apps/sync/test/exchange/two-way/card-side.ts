import { randomUUID } from 'node:crypto';
import { soakTimeoutMs } from '@rapport/testing';
import { vi } from 'vitest';
import type { Radicale } from '../../connectors/peers/radicale.ts';
import type { Person, Side } from './edits.ts';

const properties: Record<string, string> = { title: 'TITLE', company: 'ORG', email: 'EMAIL' };

/** An address book that an independent program edits: whole cards, with If-Match. */
export function cardSide(radicale: Radicale, book: string): Side {
  const ask = async (method: string, url: string, body?: string, headers?: Record<string, string>) => {
    const answered = async () => {
      const answer = await radicale
        .request(method, url, body, headers)
        .then(async (response) => ({
          status: response.status,
          etag: response.headers.get('etag') ?? '',
          text: await response.text(),
        }))
        .catch(() => undefined);
      return answer && answer.status < 500 ? answer : undefined;
    };
    // While it is away.
    return vi.waitUntil(answered, { timeout: soakTimeoutMs, interval: 100 });
  };
  const put = async (id: string, card: string, precondition: Record<string, string>) => {
    const headers = { 'content-type': 'text/vcard', ...precondition };
    const answer = await ask('PUT', book + id, card, headers);
    if (answer.status < 300) return true;
    // A try before may have done it without telling.
    return normal((await ask('GET', book + id)).text) === normal(card);
  };
  return {
    name: 'peer',
    all: async () => {
      const { text } = await ask('REPORT', book, allCards, { depth: '1', 'content-type': 'application/xml' });
      const answers = text.match(/<(?:\w+:)?response>[^]*?<\/(?:\w+:)?response>/g) ?? [];
      return answers.map((answer) => {
        const [, path = ''] = /<(?:\w+:)?href>([^<]*)</.exec(answer) ?? [];
        return personOf(path.split('/').at(-1) ?? '', answer.replaceAll('&#13;', ''));
      });
    },
    create: async (key, values) => {
      const id = randomUUID();
      const lines = ['BEGIN:VCARD', 'VERSION:3.0', `UID:${id}`, `FN:${key}`, `N:${key};;;;`];
      const more = Object.entries(properties).map(([field, name]) => `${name}:${values[field]}`);
      await put(`${id}.vcf`, [...lines, ...more, 'END:VCARD', ''].join('\r\n'), { 'if-none-match': '*' });
    },
    edit: async ({ id, values }, field, value) => {
      const { status, etag, text } = await ask('GET', book + id);
      if (status !== 200 || personOf(id, text).values[field] !== values[field]) return false;
      const name = properties[field];
      const edited = new RegExp(`^${name}`, 'm').test(text)
        ? text.replace(new RegExp(`^(${name}[^:\r\n]*):[^\r\n]*`, 'm'), `$1:${value}`)
        : text.replace('END:VCARD', `${name}:${value}\r\nEND:VCARD`);
      return put(id, edited, { 'if-match': etag });
    },
    remove: async ({ id }) => {
      const { status, etag } = await ask('GET', book + id);
      if (status !== 200) return false;
      const answer = await ask('DELETE', book + id, undefined, { 'if-match': etag });
      return answer.status < 300 || answer.status === 404;
    },
  };
}

const allCards = `<?xml version="1.0"?>
<C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><C:address-data/></prop></C:addressbook-query>`;

/** @param card or an answer with one in it */
function personOf(id: string, card: string): Person {
  const read = (name: string) =>
    new RegExp(`^${name}[^:\\r\\n]*:([^\\r\\n]*)`, 'm').exec(card)?.[1]?.replaceAll('\\,', ',') ?? '';
  return {
    id,
    key: read('FN'),
    values: { title: read('TITLE'), company: read('ORG').split(';')[0] ?? '', email: read('EMAIL') },
  };
}

function normal(card: string): string {
  return card.trim().split(/\r?\n/).sort().join('\n');
}
