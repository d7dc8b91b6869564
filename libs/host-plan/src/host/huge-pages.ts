import type { HugePages } from '@xim/engine';
import type { HostFiles } from './host-files.ts';

const FOLDER = '/sys/kernel/mm/hugepages';

/** Transparent and reserved huge pages (Documentation/admin-guide/mm/transhuge.rst and hugetlbpage.rst). */
export function readHugePages(files: HostFiles): HugePages | undefined {
  const transparent = /\[(\w+)\]/.exec(files.text('/sys/kernel/mm/transparent_hugepage/enabled') ?? '')?.[1];
  const pools = files.names(FOLDER).flatMap((name) => {
    const kib = /^hugepages-(\d+)kB$/.exec(name)?.[1];
    const total = files.number(`${FOLDER}/${name}/nr_hugepages`);
    if (kib === undefined || total === undefined) return [];
    return [{ pageBytes: Number(kib) * 1024, total, free: files.number(`${FOLDER}/${name}/free_hugepages`) ?? 0 }];
  });
  if (transparent === undefined && pools.length === 0) return undefined;
  return {
    ...(transparent !== undefined && { transparent }),
    pools: pools.sort((a, b) => a.pageBytes - b.pageBytes),
  };
}
