// Runs a tool with the Node that this repository needs: `node tools/bootstrap.mjs tools/start.ts`. Installs what
// package-lock.json asks for first, when it is not there. Runs on Node 20 without any package.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = join(root, 'node_modules/.bin');

/** What npm has installed or is to install, by folder: a version or a link each. */
function packages(lockFile) {
  try {
    return JSON.parse(readFileSync(join(root, lockFile), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether npm's record of what it installed last is what the lock asks for. Optional packages may be for other machines. */
function isInstalled() {
  const installed = packages('node_modules/.package-lock.json');
  if (!installed) return false;
  return Object.entries(packages('package-lock.json')).every(([folder, wanted]) => {
    const isPackage = folder.includes('node_modules/');
    if (!isPackage || (wanted.optional && !installed[folder])) return true;
    return installed[folder]?.version === wanted.version && installed[folder]?.integrity === wanted.integrity;
  });
}

/** Runs a command that gets our signals, and ends when we do. Resolves with its exit code. */
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
  // A package of the API reference reports installs; older npm runs its script without asking.
  const env = { ...process.env, SCARF_ANALYTICS: 'false' };
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: 'inherit', env });
  if (code !== 0) process.exit(code);
}
const env = {
  ...process.env,
  PATH: `${bin}${delimiter}${process.env.PATH}`,
  // Hundreds of processes of the tests, and each start of the platform, load the same modules.
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node-compile'),
};
// The channel's end tells the tool that we are gone, also after kill -9.
process.exitCode = await run(join(bin, 'node'), process.argv.slice(2), {
  env,
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
});
