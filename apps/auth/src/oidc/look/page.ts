import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import { html, Html } from '@rapport/platform';
import { languages, textsFor, type Texts } from '../../sign-in/texts/texts.js';
import { logo, poster, style } from './look.js';

/** A page of the provider. */
export interface Page {
  title: (texts: Texts) => string;
  body: (texts: Texts) => Html;
  status?: number;
  /** Origins that forms of the page may redirect to, besides our own: browsers apply `form-action` to redirects too. */
  formTargets?: readonly string[];
}

/** Keeps the language that a user has chosen on a page. */
const languageCookie = 'rapport-language';

/** Sends a page that is not cached, cannot be framed, runs no scripts, and whose URL is not sent as referrer. */
export function sendPage(context: Context, { title, body, status = 200, formTargets = [] }: Page): void {
  const texts = textsOf(context);
  context.status = status;
  context.type = 'html';
  context.set({
    'cache-control': 'no-store',
    'content-language': texts.htmlLang,
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${styleHash}'`,
      `form-action 'self'${formTargets.map((target) => ` ${target}`).join('')}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    // Never the path, which may contain a token. With `no-referrer`, browsers would send `Origin: null` with our own forms.
    'referrer-policy': 'strict-origin',
  });
  const chosen = chosenLanguage(context);
  if (chosen !== undefined) {
    const secure = context.protocol === 'https' ? '; Secure' : '';
    context.append(
      'set-cookie',
      `${languageCookie}=${chosen}; Path=/oauth; HttpOnly; SameSite=Lax; Max-Age=31536000${secure}`,
    );
  }
  const ofTab = `${title(texts)} – Rapport`;
  context.body = html`<!doctype html>
    <html lang="${texts.htmlLang}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${ofTab}</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <div class="side">
          <header>${logo}<span class="brand">Rapport</span>${languageLinks(context, texts)}</header>
          <main>${body(texts)}</main>
          <footer>${context.host}</footer>
        </div>
        ${poster(texts.poster)}
      </body>
    </html> `.text;
}

/** The texts in the language of a request: chosen on a page, else asked for by the app (OpenID Connect Core 1.0, `ui_locales`), else the browser's. */
export function textsOf(context: Context): Texts {
  const { oidc, state } = context as unknown as {
    oidc?: { params?: Record<string, unknown> };
    state: { uiLocales?: unknown };
  };
  const uiLocales = state.uiLocales ?? oidc?.params?.['ui_locales'];
  return textsFor(
    chosenLanguage(context),
    context.cookies.get(languageCookie),
    typeof uiLocales === 'string' ? uiLocales : undefined,
    context.get('accept-language'),
  );
}

function chosenLanguage({ querystring }: Context): string | undefined {
  const lang = new URLSearchParams(querystring).get('lang') ?? '';
  return languages.has(lang) ? lang : undefined;
}

/** Links to the same page in the other languages. A page that answers a form has no address. */
function languageLinks({ method, path, querystring }: Context, { name: current }: Texts): Html | undefined {
  if (method !== 'GET') return undefined;
  const links = [...languages].map(([lang, { name, htmlLang }]) => {
    if (name === current) return html`<span aria-current="true">${name}</span>`;
    const query = new URLSearchParams(querystring);
    query.set('lang', lang);
    return html`<a href="${path}?${query.toString()}" lang="${htmlLang}" hreflang="${htmlLang}">${name}</a>`;
  });
  return html`<nav class="languages">${links}</nav>`;
}

const styleHash = createHash('sha256').update(style).digest('base64');
