import { parse } from 'node:querystring';
import { isStorableText } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { cutText, type WrittenPage } from '@rapport/platform';

/** A page as the edge takes it. @param headers such as `tenant`: see `PublicPage` of options.proto */
export function pageBody(
  { text, styleHash, scriptHash }: WrittenPage,
  headers: Readonly<Record<string, string>> = {},
): HttpBody {
  return {
    contentType: 'text/html; charset=utf-8',
    data: Buffer.from(text),
    extensions: extensionsOf({
      'style-hash': styleHash,
      ...(scriptHash !== undefined && { 'script-hash': scriptHash }),
      ...headers,
    }),
  };
}

/** An answer that sends the reader of a form elsewhere. @param headers such as `location` */
export function redirection(headers: Readonly<Record<string, string>>): HttpBody {
  return { contentType: 'text/plain', data: Buffer.alloc(0), extensions: extensionsOf(headers) };
}

/** Reads the fields of a form: their texts without spaces around them, empty without one. */
export function formReader(form: HttpBody | undefined, maxKeys = 10): (name: string, longest: number) => string {
  const values = parse(Buffer.from(form?.data ?? []).toString(), '&', '=', { maxKeys });
  return (name, longest) => {
    const value = values[name];
    const one = typeof value === 'string' ? value.trim() : '';
    return isStorableText(one) ? cutText(one, longest) : '';
  };
}

function extensionsOf(headers: Readonly<Record<string, string>>): HttpBody['extensions'] {
  return Object.entries(headers).map(([name, value]) => ({
    typeUrl: 'type.googleapis.com/rapport.api.v1.HttpHeader',
    value: Buffer.from(HttpHeader.encode({ name, value }).finish()),
  }));
}
