/** Memoizes a value per key for the life of the key. A key with a `base` shares the value of its base. */
export function onceFor<Key extends object, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const known = new WeakMap<object, { made: Made }>();
  return (key) => {
    const base = (key as { base?: Key }).base ?? key;
    let found = known.get(base);
    if (!found) known.set(base, (found = { made: make(base) }));
    return found.made;
  };
}
