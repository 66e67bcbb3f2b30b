// Makes the request that is written to it, and writes the answer.
import { json } from 'node:stream/consumers';

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

const { method, url, headers, body } = (await json(process.stdin)) as Request;
process.stdout.write(JSON.stringify(await send()));

async function send(): Promise<Answer> {
  try {
    const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: 0, body: null };
  }
}
