// Runs in a worker thread: parses one mail after the other.
import { parentPort } from 'node:worker_threads';
import type { MessageEnvelope } from '@rapport/contracts/rapport/content/v1/message';
import { parseMail, type ParsedContent } from './parse-mail.js';

export interface ParsingJob {
  raw: Uint8Array;
  ownDomains: readonly string[];
  authservId: string | undefined;
  envelope?: MessageEnvelope | undefined;
}

/** `error`: the mail cannot be read. It is no part of the mail. */
export type ParsingDone = { content: ParsedContent } | { error: string };

parentPort?.on('message', (job: ParsingJob) => void parse(job).then((done) => parentPort?.postMessage(done)));
parentPort?.postMessage('ready');

async function parse({ raw, ...job }: ParsingJob): Promise<ParsingDone> {
  try {
    return { content: await parseMail({ raw: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), ...job }) };
  } catch (error) {
    return { error: error instanceof Error ? error.name : 'Error' };
  }
}
