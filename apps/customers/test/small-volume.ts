import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const chunkBytes = 2 ** 20;

/** Whether this process may mount volumes. */
export const mayMount = process.platform === 'linux' && process.getuid?.() === 0;

/** A volume of a few MiB in memory. */
export class SmallVolume {
  private constructor(readonly folder: string) {}

  /**
   * @param owner of the folder; this process by default
   * @throws Error when this process may not mount
   */
  static async mount(sizeMiB: number, owner = { uid: 0, gid: 0 }): Promise<SmallVolume> {
    // Every account can enter /tmp; the temporary folder of the tests is perhaps closed to the one of PostgreSQL.
    const folder = await mkdtemp('/tmp/rapport-volume-');
    const options = `size=${sizeMiB}m,mode=0700,uid=${owner.uid},gid=${owner.gid}`;
    await run('mount', ['-t', 'tmpfs', '-o', options, 'rapport-volume', folder]);
    return new SmallVolume(folder);
  }

  /** Takes all space that is left, to the last page. */
  async fill(): Promise<void> {
    const file = await open(this.#filler, 'a');
    try {
      // The last write is a part of a chunk.
      for (;;) await file.write(Buffer.alloc(chunkBytes, 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      await file.close();
    }
  }

  /** Gives the space back that `fill` took. */
  async free(): Promise<void> {
    await rm(this.#filler);
  }

  /** The volume must be unused. */
  async unmount(): Promise<void> {
    await run('umount', [this.folder]);
    await rmdir(this.folder);
  }

  get #filler(): string {
    return join(this.folder, 'filler');
  }
}
