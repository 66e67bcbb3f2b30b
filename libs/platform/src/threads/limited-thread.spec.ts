import { expect, it } from 'vitest';
import { LimitedThread } from './limited-thread.js';

it('has no environment, and makes no code of texts', async () => {
  const script = `import { parentPort } from 'node:worker_threads';
    const made = () => { try { return new Function('return 1')(); } catch ({ name }) { return name; } };
    parentPort.on('message', () => parentPort.postMessage([Object.keys(process.env), made()]));
    parentPort.postMessage('ready');`;
  const thread = new LimitedThread(new URL(`data:text/javascript,${encodeURIComponent(script)}`));

  expect(await thread.ask(null, 10_000)).toEqual([[], 'EvalError']);
  await thread.end();
});
