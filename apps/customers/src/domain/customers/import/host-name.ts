/** Hosting and social sites: their domain does not identify a customer. */
const sharedHosts = new Set([
  'facebook.com',
  'linkedin.com',
  'instagram.com',
  'twitter.com',
  'x.com',
  'youtube.com',
  'tiktok.com',
  'github.com',
  'sites.google.com',
]);

/** The host of a URL, without "www."; any other text unchanged. */
export function hostOf(text: string): string {
  const host =
    /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:[^/?#@]*@)?([^/?#:]+)/i.exec(text)?.[1] ?? /^([^/?#:]+)\//.exec(text)?.[1];
  return (host ?? text).toLowerCase().replace(/^www\./, '');
}

/** Whether a text names a page on a shared site. */
export function isSharedHost(text: string, host: string): boolean {
  return sharedHosts.has(host.replace(/^[a-z]{2}\./, '')) && /[^/]\/[^/]/.test(text.replace(/^[a-z+.-]*:?\/\//i, ''));
}
