import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlatformCertificates, SecretFiles } from '@rapport/testing';

/** A temporary folder with the certificates of several authorities. */
export class CertificatesFolder {
  readonly #made: PlatformCertificates[] = [];

  private constructor(readonly path: string) {}

  static async create(): Promise<CertificatesFolder> {
    return new CertificatesFolder(await mkdtemp(join(tmpdir(), 'rapport-')));
  }

  /** An authority and the certificates it issues. */
  async authority(name: string): Promise<PlatformCertificates> {
    const made = await PlatformCertificates.in(await SecretFiles.in(join(this.path, name)));
    this.#made.push(made);
    return made;
  }

  async remove(): Promise<void> {
    for (const certificates of this.#made) certificates.stop();
    await rm(this.path, { recursive: true });
  }
}
