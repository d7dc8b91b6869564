import { createProgressFormatter, type FetchProgress } from '@xim/model-cache';

/** Without a terminal a line every so often is enough. */
const LINE_MS = 5_000;

export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** A line that is rewritten on a terminal; elsewhere, a new line every few seconds. */
export function createProgressLine(terminal: Terminal): {
  onProgress: (progress: FetchProgress) => void;
  end: () => void;
} {
  const format = createProgressFormatter();
  let open = false;
  let last = -Infinity;
  return {
    onProgress(progress) {
      const line = format(progress);
      if (terminal.isTTY === true) {
        terminal.write(`\r\u001b[K${line.slice(0, Math.max(20, (terminal.columns ?? 80) - 1))}`);
        open = true;
      } else if (performance.now() - last >= LINE_MS || progress.receivedBytes === progress.totalBytes) {
        terminal.write(`${line}\n`);
        last = performance.now();
      }
    },
    end() {
      if (open) terminal.write('\n');
      open = false;
    },
  };
}
