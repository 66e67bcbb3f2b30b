/** A name that no other component has: the given one, or else with a number. */
export function freeName(name: string, isTaken: (name: string) => boolean): string {
  for (let number = 2; ; number += 1) {
    const free = [name, `${name}_${number}`].find((each) => !isTaken(each));
    if (free !== undefined) return free;
  }
}
