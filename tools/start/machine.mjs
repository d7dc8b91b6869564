// Every version of Node must be able to read this file and to report that it is too old. So this file, index.mjs and
// ../start.mjs use only syntax of Node 12; files with newer syntax are imported after the check.

/** Ends the process with one sentence where XIM cannot run at all. */
export function checkMachine() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    refuse(`XIM needs Node.js 20.19 or newer; this is ${process.versions.node} (${process.execPath}).`);
  if (process.platform !== 'linux' || process.arch !== 'x64')
    refuse(`XIM runs on Linux on x86-64 only; this is ${process.platform} on ${process.arch}.`);
}

/** @param {string} sentence */
function refuse(sentence) {
  console.error(sentence);
  process.exit(1);
}
