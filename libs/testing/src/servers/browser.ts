/** A page as a browser without JavaScript has it. */
export interface Visited {
  url: string;
  status: number;
  headers: Headers;
  text: string;
}

/** Walks through pages and forms of one site, with cookies. It stops at an address of another site, which it does not ask. */
export class Browser {
  readonly #cookies = new Map<string, { value: string; path: string }>();
  readonly #origin: string;

  /** @param address of the machine that it runs on, as the edge tells it */
  constructor(
    site: string,
    private readonly address = '127.0.0.1',
  ) {
    this.#origin = new URL(site).origin;
  }

  /** The values of its cookies. */
  get cookies(): string[] {
    return [...this.#cookies.values()].map(({ value }) => value);
  }

  visit(url: string): Promise<Visited> {
    return this.#send(url, 'GET');
  }

  /** Goes where a link of a page leads whose address ends like this. */
  follow(page: Visited, addressEnd: string): Promise<Visited> {
    const addresses = [...page.text.matchAll(/<a href="([^"]+)"/g)].map(([, address = '']) => address);
    const address = addresses.find((each) => each.endsWith(addressEnd));
    if (!address) throw new Error(`${page.url} has no link to ${addressEnd}: ${page.text}`);
    return this.visit(new URL(address, page.url).href);
  }

  /** Sends the form of a page whose action ends like this, with what is hidden in it. */
  submit(page: Visited, actionEnd: string, fields: Record<string, string> = {}, origin = this.#originTold(page)) {
    const forms = [...page.text.matchAll(/<form method="post" action="([^"]+)">([^]*?)<\/form>/g)];
    const [, action, content = ''] = forms.find(([, each = '']) => each.endsWith(actionEnd)) ?? [];
    if (!action) throw new Error(`${page.url} has no form for ${actionEnd}: ${page.text}`);
    const hidden = content.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g);
    const body = new URLSearchParams();
    for (const [, name = '', value = ''] of hidden) body.set(name, value);
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return this.#send(new URL(action, page.url).href, 'POST', body, origin);
  }

  /** A page that has its referrer kept from everybody sends forms from nowhere: https://fetch.spec.whatwg.org/#append-a-request-origin-header */
  #originTold({ headers }: Visited): string {
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
