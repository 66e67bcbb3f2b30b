export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface Answer {
  /** 0 when there was no answer. */
  status: number;
  body: string | null;
}

export async function sendRequest({ method, url, headers, body }: Request): Promise<Answer> {
  try {
    const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: 0, body: null };
  }
}
