// Runs a tool with the Node version of this repository: `node tools/bootstrap.mjs tools/start.ts`. Installs the packages of
// package-lock.json first, if they are missing. Runs on Node 20 without any package. Where npm has no package of Node 24 (it has
// those for Linux), it runs on the installed Node.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');

/** Installed or locked packages by folder: a version or a link each. */
function packages(lockFile) {
  try {
    return JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether npm's record of the last installation matches the lock. Optional packages may be for other machines. */
function isInstalled() {
  const installed = packages('node_modules/.package-lock.json');
  if (!installed) return false;
  return Object.entries(packages('package-lock.json')).every(([folder, wanted]) => {
    const isPackage = folder.includes('node_modules/');
    if (!isPackage || (wanted.optional && !installed[folder])) return true;
    return installed[folder]?.version === wanted.version && installed[folder]?.integrity === wanted.integrity;
  });
}

/** Runs a command that receives this process's signals, and ends with it. Resolves with its exit code. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...options });
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', forward).on('SIGTERM', forward).on('SIGHUP', forward);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.off('SIGINT', forward).off('SIGTERM', forward).off('SIGHUP', forward);
      resolve(code ?? (signal ? 1 : 0));
    });
  });
}

if (!isInstalled()) {
  console.log('Installing packages (npm ci)');
  // A package of the API reference reports installations; older npm runs its script without confirmation.
  const env = { ...process.env, SCARF_ANALYTICS: 'false' };
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit', env });
  if (code !== 0) process.exit(code);
}
const ownNode = join(bin, 'node');
const node = existsSync(ownNode) ? ownNode : process.execPath;
if (node === process.execPath && Number.parseInt(process.versions.node, 10) < 24) {
  console.error(
    `Rapport needs Node 24 or later, which npm does not bring to ${process.platform}. This is Node ${process.versions.node}.`,
  );
  process.exit(1);
}
const env = {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env.PATH}`,
  // Hundreds of processes of the tests, and each start of the platform, load the same modules.
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node-compile'),
};
// The tool ends when the IPC channel closes, also after kill -9 of this process.
process.exitCode = await run(node, process.argv.slice(2), {
  env,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
