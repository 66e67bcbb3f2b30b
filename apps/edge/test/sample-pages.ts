import { status, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { grpcRefusal } from './grpc-refusal.js';
import type { Call, OreStore, Respond } from './ore-store.js';

/** The tenant of every page. */
export const tenantOfPages = '019ab2f4-0000-7000-8000-00000000000a';
export const styleHash = `sha256-${'A'.repeat(43)}=`;

/** What tests see of the calls of pages. */
export interface SeenCall {
  method: string;
  request: Record<string, unknown>;
  /** Keys of the call's metadata that identify a caller. */
  hasPrincipal: boolean;
}

/** The service of pages_service.proto. What it answers depends on the token. */
export function pageHandlers(store: OreStore, seen: SeenCall[]): UntypedServiceImplementation {
  const answer =
    (method: string, handle: (request: Record<string, unknown>) => HttpBody | undefined) =>
    ({ request, metadata }: Call, respond: Respond) => {
      seen.push({ method, request, hasPrincipal: metadata.get('x-rapport-principal').length > 0 });
      const body = handle(request);
      void store
        .released(method)
        .then(() => (body ? respond(null, body) : respond(grpcRefusal(status.NOT_FOUND, 'PAGE_NOT_FOUND'))));
    };
  return {
    readPage: answer('readPage', ({ token, acceptLanguage }) => {
      if (token === 'elsewhere') return page('', { location: 'https://example.com/stored?a=b' });
      if (token === 'capitals') return page('', { location: 'HTTPS://Example.com/A' });
      if (token === 'script') return page('', { location: 'javascript:alert(1)' });
      if (token === 'other-site') return page('', { location: String.raw`/\example.com` });
      if (token === 'loose') {
        const headers = { 'style-hash': "'unsafe-inline'", 'script-hash': "'unsafe-inline'", 'form-action': 'https:' };
        return page('<p>loose</p>', { ...headers, 'set-cookie': 'a=b' });
      }
      if (token === 'form') {
        return page('<p>form</p>', { 'script-hash': styleHash, 'form-action': 'https://shop.example' });
      }
      const isKnown = typeof token === 'string' && token.startsWith('good');
      return isKnown ? page(`<p>${String(acceptLanguage)}</p>`, { 'style-hash': styleHash }) : undefined;
    }),
    answerPage: answer('answerPage', ({ token, form }) => {
      const text = Buffer.from((form as HttpBody).data).toString();
      if (token === 'elsewhere') return page('', { location: '/s/good' });
      if (text.includes('name=&')) return page('<p>name?</p>', { ':status': '422' });
      if (token !== 'good') return undefined;
      store.write(tenantOfPages, 'a', text);
      return page(`<p>${text}</p>`, { tenant: tenantOfPages });
    }),
    unsubscribe: answer('unsubscribe', ({ form }) => page(`<p>${(form as HttpBody).contentType}</p>`)),
    readSite: answer('readSite', ({ token, name, q }) =>
      token === 'good' ? page(`<p>${String(name)} ${String(q)}</p>`) : undefined,
    ),
    readFile: answer('readFile', ({ token, fromProgram }) => {
      if (token === 'image') return { ...page(String(fromProgram)), contentType: 'image/gif' };
      return token === 'good' ? { ...page('BEGIN:VCALENDAR'), contentType: 'text/calendar; charset=utf-8' } : undefined;
    }),
  };
}

function page(text: string, headers: Record<string, string> = {}): HttpBody {
  return {
    contentType: 'text/html; charset=utf-8',
    data: Buffer.from(text),
    extensions: Object.entries(headers).map(([name, value]) => ({
      typeUrl: 'type.googleapis.com/rapport.api.v1.HttpHeader',
      value: Buffer.from(HttpHeader.encode({ name, value }).finish()),
    })),
  };
}
