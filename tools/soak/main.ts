import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatReport, verdicts } from './report.ts';
import { startSoaked } from './service.ts';
import { soak } from './soak.ts';

const HELP = `usage: npm run soak -- APP [options]

Starts a service of apps/ and loads it at twice its capacity with clients of all kinds: patient ones, some that leave, read
slowly or cut their upload. Meanwhile processes of the worker are killed and the disk of XIM_TMP fills up; at the end the
service gets SIGTERM with every slot taken. The figures are worth something where nothing else runs on the machine.

  --seconds N   seconds of load (default 60); the capacity is found in a third of it before
  --seed N      the same seed, the same requests and times (default 1)
  --kills N     how often a process of the worker is killed (default 2)
  --patience N  seconds after which a request counts as hung (default 120)
  --json FILE   write the report to FILE
  --check       exit 1 where a condition is missed
  --help`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    kills: { type: 'string', default: '2' },
    patience: { type: 'string', default: '120' },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [app, ...rest] = positionals;
const root = new URL('../..', import.meta.url).pathname;
const main = join('apps', app ?? '', 'src', 'main.ts');
if (values.help || app === undefined || rest.length > 0 || !existsSync(join(root, main))) {
  const fault = values.help
    ? ''
    : `${app === undefined ? 'Name a service' : `There is no service "${positionals.join(' ')}"`}.\n\n`;
  console.log(`${fault}${HELP}`);
  process.exit(values.help ? 0 : 2);
}
const number = (name: 'seconds' | 'seed' | 'kills' | 'patience', least: number): number => {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= least) return value;
  console.log(`--${name}=${values[name]}: expected a number from ${least}.\n\n${HELP}`);
  process.exit(2);
};
const settings = {
  ...{ seconds: number('seconds', 1), seed: number('seed', 0), kills: number('kills', 0) },
  patienceMs: number('patience', 1) * 1000,
};
const service = await startSoaked(main, {
  XIM_READ_TIMEOUT_SECONDS: '10',
  // A request that waits for its turn has an end before the patience of its client, so what hangs is a fault.
  XIM_REQUEST_TIMEOUT_SECONDS: String(Math.max(1, Math.floor((settings.patienceMs * 0.75) / 1000))),
  XIM_DRAIN_SECONDS: values.patience,
});
try {
  const report = await soak(service, settings, (line) => console.error(`  ${line}`));
  console.log(`\n${app}\n${formatReport(report)}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (values.check && verdicts(report).some(({ met }) => !met)) process.exitCode = 1;
} finally {
  await service.dispose();
}
