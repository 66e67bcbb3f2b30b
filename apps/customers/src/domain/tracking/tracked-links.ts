import { findHtmlLinks } from './html-links.js';
import { imageToken, linkToken, type MailPart, type TokenIssuer } from './tracking-token.js';

/** The parts of a mail. */
export interface MailParts {
  html?: string | undefined;
  text: string;
}

/** What links are rewritten with. */
export interface LinkRewriting extends TokenIssuer {
  recipientId: string;
  /** Where readers reach the links, without a slash at its end. */
  publicUrl: string;
  /** The numbers of URLs, as `storeCampaignLinks` returns them. Other URLs stay as they are. */
  linkNumbers: ReadonlyMap<string, number>;
  /** Whether an image is added that records opens. */
  tracksOpens?: boolean;
}

/** Most links of a campaign that are tracked. */
const maxTrackedLinks = 500;

/** What a redirect can have as its location. */
const trackable = /^https?:\/\/[\x21-\x7e]{1,1992}$/i;

/** Tags and variables of Liquid: such a URL differs by recipient. */
const isRendered = /\{[{%]/;

/** URLs in a plain text. What ends a sentence is no part of them. */
const urlsInText = /https?:\/\/[^\s<>"'[\](){}]*[^\s<>"'[\](){}.,;:!?]/gi;

/**
 * The URLs of a template that can be tracked, each once, in order of their appearance. A URL with variables is not tracked, since its
 * values would be stored: it stays as it is rendered.
 */
export function collectLinks({ html = '', text }: MailParts): string[] {
  const inHtml = findHtmlLinks(html).links.map(({ url }) => url);
  const urls = [...inHtml, ...(text.match(urlsInText) ?? [])];
  return [...new Set(urls)].filter((url) => trackable.test(url) && !isRendered.test(url)).slice(0, maxTrackedLinks);
}

/**
 * Writes the links of a rendered mail anew, so that they lead through Rapport. HTML with links begins with one that people cannot see or
 * reach with the keyboard: a program that follows all links follows this one too.
 */
export function rewriteLinks({ html, text }: MailParts, rewriting: LinkRewriting): MailParts {
  return {
    html: html === undefined ? undefined : rewriteHtml(html, rewriting),
    text: rewriteText(text, rewriting),
  };
}

function rewriteHtml(html: string, rewriting: LinkRewriting): string {
  const { links, bodyStart, bodyEnd } = findHtmlLinks(html);
  const tracked = links.filter(({ url }) => rewriting.linkNumbers.has(url));
  const url = urlsOf(rewriting, 'HTML', new Set(tracked.map((link) => link.url)).size);
  const edits = tracked.map(({ url: target, ...place }) => ({ ...place, by: url(target) }));
  if (tracked.length > 0) edits.unshift({ start: bodyStart, end: bodyStart, by: trap(url(undefined)) });
  if (rewriting.tracksOpens) edits.push({ start: bodyEnd, end: bodyEnd, by: image(rewriting) });
  return replaced(html, edits);
}

function rewriteText(text: string, rewriting: LinkRewriting): string {
  const tracked = new Set((text.match(urlsInText) ?? []).filter((url) => rewriting.linkNumbers.has(url)));
  const url = urlsOf(rewriting, 'TEXT', tracked.size);
  return text.replaceAll(urlsInText, (target) => (tracked.has(target) ? url(target) : target));
}

/** Returns the URL that leads to a target; without a target, that of the trap. */
function urlsOf(rewriting: LinkRewriting, part: MailPart, count: number): (target: string | undefined) => string {
  const { publicUrl, recipientId, linkNumbers } = rewriting;
  return (target) => {
    const number = target === undefined ? 0 : linkNumbers.get(target)!;
    return `${publicUrl}/c/${linkToken(rewriting, { recipientId, part, number, count })}`;
  };
}

/** An anchor without content: nothing is there to see, to click or to read out. */
function trap(url: string): string {
  return `<a href="${url}" aria-hidden="true" tabindex="-1"></a>`;
}

function image(rewriting: LinkRewriting): string {
  const url = `${rewriting.publicUrl}/o/${imageToken(rewriting, rewriting.recipientId)}`;
  return `<img src="${url}" width="1" height="1" alt="" aria-hidden="true">`;
}

interface Edit {
  start: number;
  end: number;
  by: string;
}

/** @param edits in order of the text */
function replaced(text: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, by } of edits) {
    parts.push(text.slice(at, start), by);
    at = end;
  }
  return [...parts, text.slice(at)].join('');
}
