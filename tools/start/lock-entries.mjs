/**
 * One requirement of a lock file, as uv writes it: `name==version`, a marker where it is not for every Python, hashes.
 *
 * @typedef {object} Entry
 * @property {string} name
 * @property {string} version
 * @property {string | undefined} marker
 * @property {string} text its lines
 */

/**
 * @param {string} lock
 * @returns {Entry[]}
 */
export function entriesOf(lock) {
  return [...lock.matchAll(/^(\S+?)==([^\s;]+)(?: ; (.*?))?(?: \\)?\n(?:[ \t]+\S.*\n?)*/gm)].map(
    ([text, name = '', version = '', marker]) => ({ name, version, marker, text }),
  );
}

/**
 * A lock without the wheels that another lock brings. A wheel stays where the other brings it for some Pythons only,
 * unless both say for the same ones: the versions agree, and installing it there once more changes nothing.
 *
 * @param {string} lock
 * @param {string} other
 */
export function withoutWheelsOf(lock, other) {
  const brought = entriesOf(other);
  return entriesOf(lock)
    .filter((entry) =>
      brought.some(({ name, marker }) => name === entry.name && (marker === undefined || marker === entry.marker)),
    )
    .reduce((text, entry) => text.replace(entry.text, ''), lock);
}

/**
 * The names of the wheels that two locks hold differently.
 *
 * @param {string} one
 * @param {string} other
 */
export function conflicts(one, other) {
  const [first, second] = [one, other].map((lock) => entriesOf(lock).map(({ text }) => text));
  const differing = [...entriesOf(one), ...entriesOf(other)].filter(
    ({ text }) => !first?.includes(text) || !second?.includes(text),
  );
  return [...new Set(differing.map(({ name }) => name))];
}
