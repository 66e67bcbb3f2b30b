/** A page as a client without JavaScript sees it. */
export interface Visited {
  url: string;
  status: number;
  headers: Headers;
  text: string;
}

/**
 * Visits pages and submits forms of one site, with cookies. It stops at a redirect to another site, without following it.
 * An HTTP client and not Chromium, because tests forge client addresses and Origin headers, read the status and headers of
 * every answer, and sign in hundreds of times. Measured with playwright-core on two loaded cores: a visit with one form
 * takes Chromium 4.9 s, and this class 37 ms. Pages with scripts need Chromium.
 */
export class Browser {
  readonly #cookies = new Map<string, { value: string; path: string }>();
  readonly #origin: string;

  /** @param address client address, as the edge would forward it */
  constructor(
    site: string,
    private readonly address = '127.0.0.1',
  ) {
    this.#origin = new URL(site).origin;
  }

  /** Values of the stored cookies. */
  get cookies(): string[] {
    return [...this.#cookies.values()].map(({ value }) => value);
  }

  visit(url: string): Promise<Visited> {
    return this.#send(url, 'GET');
  }

  /** Follows the link of a page whose address has this end. */
  follow(page: Visited, addressEnd: string): Promise<Visited> {
    const addresses = [...page.text.matchAll(/<a href="([^"]+)"/g)].map(([, address = '']) => address);
    const address = addresses.find((each) => each.endsWith(addressEnd));
    if (!address) throw new Error(`${page.url} has no link to ${addressEnd}: ${page.text}`);
    return this.visit(new URL(address, page.url).href);
  }

  /** Submits the form of a page whose action has this end, with its hidden fields. */
  submit(page: Visited, actionEnd: string, fields: Record<string, string> = {}, origin = this.#originOf(page)) {
    const forms = [...page.text.matchAll(/<form method="post" action="([^"]+)">([^]*?)<\/form>/g)];
    const [, action, content = ''] = forms.find(([, each = '']) => each.endsWith(actionEnd)) ?? [];
    if (!action) throw new Error(`${page.url} has no form for ${actionEnd}: ${page.text}`);
    const hidden = content.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    const body = new URLSearchParams();
    for (const [, name = '', value = ''] of hidden) body.set(name, value);
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return this.#send(new URL(action, page.url).href, 'POST', body, origin);
  }

  /**
   * The Origin header of forms, which is `null` on pages with `no-referrer`. Source:
   * https://fetch.spec.whatwg.org/#append-a-request-origin-header
   */
  #originOf({ headers }: Visited): string {
    return headers.get('referrer-policy') === 'no-referrer' ? 'null' : this.#origin;
  }

  async #send(url: string, method: string, body?: URLSearchParams, origin?: string): Promise<Visited> {
    const { pathname } = new URL(url);
    const cookies = [...this.#cookies].filter(([, { path }]) => pathname.startsWith(path));
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'x-forwarded-for': this.address,
        cookie: cookies.map(([name, { value }]) => `${name.split(' ')[0] ?? ''}=${value}`).join('; '),
        ...(origin === undefined ? {} : { origin }),
      },
      ...(body && { body }),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    const location = response.headers.get('location');
    if (location === null)
      return { url, status: response.status, headers: response.headers, text: await response.text() };
    const next = new URL(location, url).href;
    if (next.startsWith(`${this.#origin}/oauth/`)) return this.#send(next, 'GET');
    return { url: next, status: response.status, headers: response.headers, text: '' };
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(/; */);
    const [name = '', value = ''] = pair.split('=');
    const path = attributes.find((each) => each.toLowerCase().startsWith('path='))?.slice(5) ?? '/';
    const key = `${name} ${path}`;
    if (value === '' || attributes.some((each) => /^expires=Thu, 01 Jan 1970/i.test(each))) this.#cookies.delete(key);
    else this.#cookies.set(key, { value, path });
  }
}
