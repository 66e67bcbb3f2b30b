/** Sites on which many have a page: their domain is nobody's key. */
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

/** The host that a URL names, without "www."; any other text as it is. */
export function hostOf(text: string): string {
  const host =
    /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:[^/?#@]*@)?([^/?#:]+)/i.exec(text)?.[1] ?? /^([^/?#:]+)\//.exec(text)?.[1];
  return (host ?? text).toLowerCase().replace(/^www\./, '');
}

/** Whether a text names a page on a site that many share, not a site of its own. */
export function isSharedHost(text: string, host: string): boolean {
  return sharedHosts.has(host.replace(/^[a-z]{2}\./, '')) && /[^/]\/[^/]/.test(text.replace(/^[a-z+.-]*:?\/\//i, ''));
}
