import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installDebianPackage } from '@rapport/testing';

const run = promisify(execFile);

/**
 * Where a program is. As root on a machine with apt its package is installed when it is missing; the packages named here
 * start no service of their own.
 *
 * @throws Error that says what to install
 */
export async function findProgram(name: string, debianPackage: string): Promise<string> {
  return (await find(name)) ?? (await installed(debianPackage, () => find(name)));
}

/** Debian's Python with a module, which is installed like a program. */
export async function findPythonWith(module: string, debianPackage: string): Promise<string> {
  const python = '/usr/bin/python3';
  const present = async () => {
    const found = await run(python, ['-c', `import ${module}`]).catch(() => undefined);
    return found && python;
  };
  return (await present()) ?? (await installed(debianPackage, present));
}

async function installed(debianPackage: string, present: () => Promise<string | undefined>): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error(`Install Debian's ${debianPackage}, or what it brings, for this test.`);
  await installDebianPackage(debianPackage);
  const found = await present();
  if (found === undefined) throw new Error(`The package ${debianPackage} did not bring what was looked for.`);
  return found;
}

async function find(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/bin']) {
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
