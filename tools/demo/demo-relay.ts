import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { apiOf } from './api.ts';
import type { Demo } from './demo.ts';

/** Domain whose mail is refused, so that campaigns have failures to show. */
const refused = '@thu.example';

interface Relay {
  id: string;
  name: string;
  host: string;
}

const settings = { name: 'Demo relay', host: '127.0.0.1', security: 'NONE' };

/** The SMTP server of a demo workspace, on 127.0.0.1. It keeps each mail as a file and passes none on: no mail leaves the machine. */
export class DemoRelay {
  /** Called with each mail that is kept. */
  onMail: (mail: string) => void = () => undefined;
  readonly #server: SMTPServer;

  private constructor(folder: string) {
    this.#server = new SMTPServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      disableReverseLookup: true,
      closeTimeout: 100,
      onRcptTo: ({ address }, _, done) => done(address.endsWith(refused) ? refusal() : null),
      onData: (stream, { envelope: { mailFrom } }, done) => {
        // As a server that delivers a mail writes it (RFC 5321, section 4.4): where its bounces go.
        const returnPath = `Return-Path: <${mailFrom ? mailFrom.address : ''}>\r\n`;
        const kept = buffer(stream).then(async (content) => {
          const mail = returnPath + content.toString('latin1');
          await writeFile(join(folder, `${Date.now()}-${randomUUID()}.eml`), mail, { encoding: 'latin1', mode: 0o600 });
          this.onMail(mail);
        });
        kept.then(() => done(null), done);
      },
    });
    // A connection that its client cuts, as when its process is killed.
    this.#server.on('error', () => undefined);
  }

  /** @param folder gets the mails, as .eml files whose names begin with the time */
  static async start(folder: string): Promise<DemoRelay> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const relay = new DemoRelay(folder);
    await once(relay.#server.listen(0, '127.0.0.1'), 'listening');
    return relay;
  }

  /** What `POST /v1/relays` takes. */
  get settings(): object {
    return { ...settings, port: this.#port };
  }

  /** Connects a demo workspace again after a start: the server has another port. A relay that its users have changed stays as it is. */
  async reconnect(demo: Demo, signal: AbortSignal): Promise<void> {
    const api = apiOf(demo.url, demo.apiKey, signal);
    const { relays } = await api<{ relays: Relay[] }>('GET', '/v1/relays');
    const relay = relays.find(({ name, host }) => name === settings.name && host === settings.host);
    if (relay) await api('PATCH', `/v1/relays/${relay.id}`, { port: this.#port });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  get #port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }
}

function refusal(): Error {
  return Object.assign(new Error('5.7.1 Our filter does not take this message'), { responseCode: 550 });
}
