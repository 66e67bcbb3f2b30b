import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@rapport/testing';
import { vi } from 'vitest';
import type { OpenApi } from './open-api.ts';

const prism = '@stoplight/prism-cli@5.16.0';

/** Prism, installed into a folder of its own: its 213 packages are for one long test only. */
export class Prism {
  readonly #folder: string;
  readonly #started: ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async install(): Promise<Prism> {
    const folder = await mkdtemp(join(tmpdir(), 'prism-'));
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
    execFileSync('npm', ['install', prism, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new Prism(folder);
  }

  /**
   * Starts a proxy that validates requests and answers of a server against an OpenAPI document. Answers are passed on, with
   * violations in the header `sl-violations`.
   *
   * @returns the URL of the proxy
   */
  async proxy(openApi: OpenApi, upstream: string): Promise<string> {
    // Of two matching paths, such as `{id}` and `{id}:download`, Prism uses the one that is described last.
    const paths = Object.entries(openApi.paths).toSorted(([one], [other]) => one.length - other.length);
    const port = await freePort();
    const document = join(this.#folder, `openapi-${port}.json`);
    await writeFile(document, JSON.stringify({ ...openApi, paths: Object.fromEntries(paths) }));
    const cli = join(this.#folder, 'node_modules/@stoplight/prism-cli/dist/index.js');
    const options = ['--port', String(port), '--errors=false', '--cors=false'];
    const child = spawn(process.execPath, [cli, 'proxy', document, upstream, ...options], { stdio: 'ignore' });
    this.#started.push(child);
    const url = `http://127.0.0.1:${port}`;
    const answers = () => fetch(url).then(Boolean, () => false);
    await vi.waitUntil(answers, { timeout: 120_000, interval: 200 });
    return url;
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#started.map(async (child) => {
        if (child.exitCode !== null) return;
        child.kill();
        await once(child, 'exit');
      }),
    );
    await rm(this.#folder, { recursive: true });
  }
}
