/** What is made once of each key, and kept for as long as the key is. A key that has a `base` shares what is made of that. */
export function onceFor<Key extends object, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const known = new WeakMap<object, { made: Made }>();
  return (key) => {
    const base = (key as { base?: Key }).base ?? key;
    let found = known.get(base);
    if (!found) known.set(base, (found = { made: make(base) }));
    return found.made;
  };
}
