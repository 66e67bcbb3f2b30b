import { spawn } from 'node:child_process';
import { once } from 'node:events';

// Waits for the end of its input, which the kernel closes even after kill -9 of the parent. Ten seconds is more than a
// server needs after SIGINT; a zombie still looks alive. A frozen server must be resumed first.
const script = `
  read -r _
  kill -INT "$1" 2>/dev/null
  kill -CONT "$1" 2>/dev/null
  left=100
  while [ $left -gt 0 ] && kill -0 "$1" 2>/dev/null; do sleep 0.1; left=$((left - 1)); done
  shift
  rm -rf -- "$@"
`;

/**
 * Guards a server that must not outlive this process: at any end of this process, the server gets SIGINT, and `folders` are
 * removed once it has ended.
 *
 * @returns call it when the server has ended; resolves when `folders` are removed
 */
export function guardAgainstOrphan(pid: number, folders: string[]): () => Promise<void> {
  const guard = spawn('sh', ['-c', script, 'rapport-orphan-guard', String(pid), ...folders], {
    detached: true,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const exited = once(guard, 'exit');
  return async () => {
    guard.stdin.end();
    await exited;
  };
}
