// `npm run release [-- --publish] [--first-release] [--registry=URL]`: new versions from the commits, changelogs, one
// commit and its tags, the npm packages, then the images that changed. Without --publish it only prints its actions.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ReleaseClient } from 'nx/release/index.js';

const { values } = parseArgs({
  options: {
    publish: { type: 'boolean', default: false },
    'first-release': { type: 'boolean', default: false },
    registry: { type: 'string' },
  },
});
const dryRun = !values.publish;
const firstRelease = values['first-release'];
Object.assign(process.env, { NX_TUI: 'false', NX_NO_CLOUD: 'true', NX_DAEMON: 'false' });
if (dryRun) process.env['NX_DRY_RUN'] = 'true';

// A new version of a package is one of all that use it. nx.json says "never", since Nx takes the setting for publishing
// as well, where `nx release publish -p <project>` then publishes the dependents too.
const { releaseChangelog, releasePublish, releaseVersion } = new ReleaseClient({
  version: { updateDependents: 'always' },
});
const { projectsVersionData: versionData, releaseGraph } = await releaseVersion({ dryRun, firstRelease });
const released = Object.keys(versionData).filter((name) => versionData[name]?.newVersion);
if (released.length === 0) {
  console.log('Nothing changed since the last release.');
  process.exit(0);
}
await releaseChangelog({ versionData, releaseGraph, dryRun, firstRelease, gitCommit: true, gitTag: true });

const groups = releaseGraph.releaseGroups;
/** @param {string} group */
const inGroup = (group) =>
  groups.find(({ name }) => name === group)?.projects.filter((name) => released.includes(name));
const packages = inGroup('packages') ?? [];
const images = inGroup('images') ?? [];
/** @param {string} target @param {string[]} projects */
const nx = (target, projects) => {
  const args = ['run-many', '-t', target, '-p', projects.join(','), '--output-style=static'];
  if (projects.length > 0) execFileSync('npx', ['nx', ...args], { stdio: 'inherit' });
};
// After the commit, which an image names. `licences` builds too, so no image with a refused licence is pushed.
if (!dryRun) nx('licences', images);
const results = await releasePublish({
  ...{ projects: [...packages, ...images], registry: values.registry, access: 'public', dryRun, firstRelease },
});
const failed = Object.values(results).some(({ code }) => code !== 0);
if (!dryRun && !failed && process.env['XIM_COSIGN_KEY']) nx('docker-sign', images);
if (dryRun) console.log('\nNothing was changed or published. --publish does it.');
process.exit(failed ? 1 : 0);
