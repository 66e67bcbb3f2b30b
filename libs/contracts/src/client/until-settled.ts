/**
 * Waits for something, but no longer than until `end` is settled. Not by Promise.race: `end` would keep every value that
 * was waited for until then.
 */
export function untilSettled(end: Promise<unknown>): <Value>(value: Promise<Value>) => Promise<Value | undefined> {
  let isSettled = false;
  let wake = (): void => undefined;
  const settle = () => {
    isSettled = true;
    wake();
  };
  end.then(settle, settle);
  return (value) =>
    new Promise((resolve, reject) => {
      wake = () => resolve(undefined);
      if (isSettled) wake();
      value.then(resolve, reject);
    });
}
