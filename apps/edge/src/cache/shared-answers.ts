/** An answer that some edge loaded and no write has superseded. */
export interface SharedAnswer {
  body: Buffer;
  etag: string;
  ageMs: number;
  /** For how long it is fresh. */
  ttlMs: number;
}

/** What a look at the answers of all edges gave. */
export interface Look {
  found: SharedAnswer | undefined;
  /** Offers what was loaded after the look. It becomes valid only when nothing it depends on was written since the look. */
  keep(body: Buffer, etag: string, ttlMs: number): void;
}

/** Answers that edges share. */
export interface SharedAnswers {
  /** @returns undefined when they can't be looked at */
  look(tenantId: string, key: string, floors: readonly string[]): Promise<Look | undefined>;
}
