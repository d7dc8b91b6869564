// Read by whatever Node the user has, so that it can say what is wrong with it: no syntax newer than Node 12's here, in
// index.mjs and in ../start.mjs; newer files are imported after the check.

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
