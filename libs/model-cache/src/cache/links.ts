import { randomUUID } from 'node:crypto';
import { constants, copyFile, link, mkdir, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/*
 * exFAT, SMB and some FUSE file systems have neither symbolic nor hard links, and name the fault in many ways (EPERM,
 * ENOSYS, EOPNOTSUPP, EINVAL). So each function tries the link first and, after any failure, a plain file; the
 * failure of the plain file is reported.
 */

/** Creates `path` with the content of `own` unless `path` exists. Returns whether it created the file. */
export async function createOnce(own: string, path: string): Promise<boolean> {
  const isThere = (error: NodeJS.ErrnoException): false => {
    if (error.code === 'EEXIST') return false;
    throw error;
  };
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    return copyFile(own, path, constants.COPYFILE_EXCL).then(() => true, isThere);
  }
}

/**
 * Shows the content `blob` at `path` as a relative symbolic link. Without symbolic links `path` becomes a plain file,
 * as with the hub's own client: the blob itself is moved there, or copied where it is `shared` with a further path.
 * `folder` is on the same file system and takes incomplete files.
 */
export async function showBlob(blob: string, path: string, folder: string, shared: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(folder, randomUUID());
  try {
    await symlink(relative(dirname(path), blob), temporary);
  } catch {
    if (!shared) return rename(blob, path);
    await copyFile(blob, temporary);
  }
  await rename(temporary, path);
}

/** Rejects with the file system's own error where `folder` takes no new file. Leaves nothing. */
export async function assertWritable(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  const probe = join(folder, `.${randomUUID()}`);
  await writeFile(probe, '').finally(() => rm(probe, { force: true }));
  if (made === undefined) return;
  for (let at = folder; at.length >= made.length; at = dirname(at)) await rmdir(at).catch(() => undefined);
}
