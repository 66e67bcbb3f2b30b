import type { LoadRequest } from './steady-load.ts';

interface Page {
  changes?: { id: string }[];
  customers?: { id: string }[];
  nextCursor?: string;
  nextPageToken?: string;
}

/** A reader of the change feed that continues from the cursor of its last answer. */
export class FeedReader {
  /** Ids of the changes that it has read. */
  readonly ids: string[] = [];
  #cursor: string;

  constructor(cursor: string) {
    this.#cursor = cursor;
  }

  next(): LoadRequest {
    const cursor = this.#cursor;
    const onAnswer = (body: unknown) => {
      // Of the answers to one cursor, the first counts.
      if (cursor !== this.#cursor) return;
      const { changes = [], nextCursor = cursor } = body as Page;
      this.ids.push(...changes.map(({ id }) => id));
      this.#cursor = nextCursor;
    };
    return { method: 'GET', path: `/v1/changes?pageSize=100&cursor=${encodeURIComponent(cursor)}`, onAnswer };
  }
}

/** Pages through the people of a tenant again and again, one a page. */
export class PageWalk {
  /** The ids that each complete walk has found. */
  readonly walks: string[][] = [];
  #token = '';
  #found: string[] = [];

  next(): LoadRequest {
    const token = this.#token;
    const onAnswer = (body: unknown) => {
      if (token !== this.#token) return;
      const { customers = [], nextPageToken = '' } = body as Page;
      this.#found.push(...customers.map(({ id }) => id));
      this.#token = nextPageToken;
      if (nextPageToken === '') this.walks.push(this.#found.splice(0));
    };
    const filter = encodeURIComponent('kind = PERSON');
    const after = token === '' ? '' : `&pageToken=${encodeURIComponent(token)}`;
    const path = `/v1/customers?pageSize=1&filter=${filter}${after}`;
    return { method: 'GET', path, headers: { 'cache-control': 'no-cache' }, onAnswer };
  }
}
