/**
 * Waits for a promise, at most until `end` is settled. Not by Promise.race: `end` would retain every value until it
 * settles.
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
