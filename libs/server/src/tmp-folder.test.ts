import { expect, it } from 'vitest';
import { tmpFolderProblem } from './tmp-folder.ts';

it('memory is no place for uploads', () => {
  expect(tmpFolderProblem('/dev/shm', 'transcribe')).toMatch(/XIM_TMP="\/dev\/shm" is memory.*a folder on a disk/);
  expect(tmpFolderProblem('/proc', 'transcribe')).toBeUndefined();
});

it('a folder that is not there is told, a task without uploads needs none', () => {
  expect(tmpFolderProblem('/nowhere', 'generateImage')).toMatch(/cannot be used \(ENOENT\)/);
  expect(tmpFolderProblem('/nowhere', 'generate')).toBeUndefined();
});
