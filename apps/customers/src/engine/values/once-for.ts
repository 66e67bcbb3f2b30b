/** What is made once of each key, and kept for as long as the key is. */
export function onceFor<Key extends object, Made>(make: (key: Key) => Made): (key: Key) => Made {
  const known = new WeakMap<Key, { made: Made }>();
  return (key) => {
    let found = known.get(key);
    if (!found) known.set(key, (found = { made: make(key) }));
    return found.made;
  };
}
