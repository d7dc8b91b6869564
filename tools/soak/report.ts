import type { SoakReport } from './soak.ts';

/** Each condition that a soak has to meet, and whether it did. */
export function verdicts(report: SoakReport): readonly { readonly name: string; readonly met: boolean }[] {
  const { outcomes, goodput, peak, refusalP99, memory, files, temporary, atSigterm } = report;
  return [
    { name: '0 hung', met: outcomes.hung === 0 },
    { name: '0 lost', met: outcomes.lost === 0 },
    { name: '0 failed, but for those of a killed worker or a full disk', met: outcomes.failed === 0 },
    { name: 'goodput at least 95 % of the capacity', met: goodput >= 0.95 * peak },
    { name: 'refusals below 10 ms (p99)', met: refusalP99 < 0.01 },
    { name: 'no slope of memory, within its interval', met: !(memory.value - memory.margin > 0) },
    { name: 'open files as before', met: files[0] <= files[1] },
    { name: 'no temporary file left', met: temporary[0] <= temporary[1] },
    {
      name: 'SIGTERM answers all that was accepted, and ends with 0',
      met: atSigterm.code === 0 && atSigterm.answered === atSigterm.open,
    },
  ];
}

export function formatReport(report: SoakReport): string {
  const { outcomes, atSigterm, memory } = report;
  const lines = [
    ['task', `${report.task}, ${report.slots} slots`],
    ['capacity', `${report.peak.toFixed(1)} answers/s`],
    [
      'goodput',
      `${report.goodput.toFixed(1)} answers/s at twice the capacity (${((100 * report.goodput) / report.peak).toFixed(0)} %)`,
    ],
    ...Object.entries(outcomes).map(([name, count]) => [name, String(count)]),
    ['by faults', `${report.killed} requests ended with an error since their worker was killed or the disk was full`],
    ['refusals', `${(report.refusalP99 * 1000).toFixed(1)} ms (p99)`],
    ['memory', `${memory.value.toFixed(0)} ± ${memory.margin.toFixed(0)} bytes of the host per request`],
    ['open files', `${report.files[0]} after, ${report.files[1]} before`],
    ['temporary', `${report.temporary[0]} after, ${report.temporary[1]} before`],
    [
      'full disk',
      report.diskFull === undefined
        ? 'not tried: no upload, or no file system of its own'
        : `${report.diskFull} answers with 507`,
    ],
    [
      'SIGTERM',
      `${atSigterm.answered} of ${atSigterm.open} open requests answered, exit code ${atSigterm.code}; ${report.unreached} later ones found no service`,
    ],
  ];
  const table = lines.map(([name, value]) => `${name!.padEnd(12)}${value}`);
  const list = verdicts(report).map(({ name, met }) => `  ${met ? 'met   ' : 'MISSED'}  ${name}`);
  const complaints = report.complaints.map((one) => `  ${one}`);
  return [...table, '', ...list, ...(complaints.length > 0 ? ['', ...complaints] : [])].join('\n');
}
