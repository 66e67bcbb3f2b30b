/** A list of all pages. Nothing is read before it is iterated, and a page only when its first item is needed. */
export class Paged<Item, Page> implements AsyncIterable<Item> {
  readonly #load: (pageToken?: string) => Promise<Page>;
  readonly #itemsOf: (page: Page) => Item[];

  constructor(load: (pageToken?: string) => Promise<Page>, itemsOf: (page: Page) => Item[]) {
    this.#load = load;
    this.#itemsOf = itemsOf;
  }

  /** One page: the first one, or that of `pageToken` in the request. */
  page(): Promise<Page> {
    return this.#load();
  }

  /** Page by page, each with the totals that the request names. */
  async *pages(): AsyncGenerator<Page, void> {
    let token: string | undefined;
    do {
      const page = await this.#load(token);
      yield page;
      token = (page as { nextPageToken?: string }).nextPageToken;
    } while (token);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for await (const page of this.pages()) yield* this.#itemsOf(page);
  }

  /** The first items, at most `count`. */
  async first(count: number): Promise<Item[]> {
    const items: Item[] = [];
    if (count <= 0) return items;
    for await (const item of this) if (items.push(item) >= count) break;
    return items;
  }
}
