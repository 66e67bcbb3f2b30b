import { ConnectorError } from './connector-error.js';

/** Most bytes of answers that are read at once, of all tenants together. */
const maxBytesAtOnce = 128 * 1_024 * 1_024;

/** An answer of fewer bytes is never ended for others. */
const smallBytes = 1_024 * 1_024;

interface Reading {
  bytes: number;
  end: () => void;
}

/** The answers that are being read, the oldest first. */
const readings = new Set<Reading>();

/**
 * Reads an answer into memory. If those of all tenants take too much together, the oldest large one is ended: a server that
 * sends much and then waits holds up no others.
 *
 * @param tooLarge the error of an answer of more than `maxBytes`
 * @throws ConnectorError UNAVAILABLE when it is ended; errors of the connection
 */
export async function answerBytes(answer: Response, maxBytes: number, tooLarge: () => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const reader = (answer.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (!reader) return Buffer.alloc(0);
  let isEnded = false;
  const reading: Reading = {
    bytes: 0,
    end: () => {
      isEnded = true;
      chunks.length = 0;
      readings.delete(reading);
      reader.cancel().catch(() => undefined);
    },
  };
  readings.add(reading);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      reading.bytes += part.value.length;
      if (reading.bytes > maxBytes) throw tooLarge();
      chunks.push(part.value);
      endOldest();
      if (isEnded) break;
    }
    if (isEnded) throw new ConnectorError('UNAVAILABLE', 'Too many large answers arrive at once. Try again.');
    return Buffer.concat(chunks);
  } catch (error) {
    reader.cancel().catch(() => undefined);
    throw error;
  } finally {
    readings.delete(reading);
  }
}

function endOldest(): void {
  let bytes = 0;
  for (const reading of readings) bytes += reading.bytes;
  for (const reading of readings) {
    if (bytes <= maxBytesAtOnce) return;
    if (reading.bytes <= smallBytes) continue;
    bytes -= reading.bytes;
    reading.end();
  }
}
