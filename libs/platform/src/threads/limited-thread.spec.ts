import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { LimitedThread } from './limited-thread.js';

/** A script that has a function `answer` of a message. */
function sourceOf(script: string): URL {
  const source = `import { parentPort } from 'node:worker_threads';
    ${script}
    parentPort.on('message', (message) => parentPort.postMessage(answer(message)));
    parentPort.postMessage('ready');`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

function threadOf(script: string): LimitedThread {
  return new LimitedThread(sourceOf(script));
}

it('has no environment, and makes no code of texts', async () => {
  const thread = threadOf(`
    const made = () => { try { return new Function('return 1')(); } catch ({ name }) { return name; } };
    const answer = () => [Object.keys(process.env), made()];`);

  expect(await thread.ask(null, 10_000)).toEqual([[], 'EvalError']);
  await thread.end();
});

it.each([
  ['grows', 'const list = []; for (;;) list.push({});'],
  // V8 aborts its process, since it has no place for a result that a native function has begun.
  [
    'is exceeded at once',
    "const text = 'a'.repeat(5e7).replaceAll('a', 'bbbb'); text.charCodeAt(1); return text.length;",
  ],
])('ends alone when its memory %s', async (_, work) => {
  const thread = threadOf(`const answer = () => { ${work} };`);

  await expect(thread.ask(null, 30_000)).rejects.toThrow('The thread has ended.');
  expect(thread.hasEnded).toBe(true);
  await thread.end();
});

it('ends in the middle of its work with the process that has started it', async () => {
  const script = sourceOf(`
    import { createServer } from 'node:net';
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const answer = (isBusy) => { while (isBusy); return server.address().port; };`);
  const starter = `
    import { LimitedThread } from '${new URL('./limited-thread.ts', import.meta.url).href}';
    const thread = new LimitedThread(new URL(${JSON.stringify(script.href)}));
    process.stdout.write(String(await thread.ask(false, 30_000)));
    await thread.ask(true, 600_000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', starter]);
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const port = Number(text.toString());
  const isListening = async () => {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isOpen;
  };
  expect(await isListening()).toBe(true);

  parent.kill('SIGKILL');
  await expect.poll(isListening, { timeout: 30_000 }).toBe(false);
});
