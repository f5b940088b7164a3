import { spawnSync } from 'node:child_process';
import { findOpenvino, findPjrt, installRecord } from '../../packages/installed/src';
import { findChromium } from '../browser/findChromium';

interface Optional {
  /** What to do where it is missing. */
  readonly install: string;
  isInstalled(): boolean | Promise<boolean>;
}

const runs = (program: string, question = '--version') => spawnSync(program, [question]).status === 0;

/** What some tests need besides Node, npm, git and what `npm install` brings. */
export const OPTIONAL = {
  OpenVINO: {
    install: 'npm run engines install openvino',
    isInstalled: async () => (await findOpenvino()) !== undefined,
  },
  TensorFlow: {
    install: 'npm run engines install tensorflow',
    isInstalled: async () => (await installRecord('tensorflow')) !== undefined,
  },
  XLA: {
    install: 'npm run engines install xla -- --cpu',
    isInstalled: async () => (await findPjrt({ device: 'cpu' })) !== undefined,
  },
  'XLA for NVIDIA GPUs': {
    install: 'npm run engines install xla -- --cuda',
    isInstalled: async () => (await installRecord('xla-cuda')) !== undefined,
  },
  Chromium: {
    install: 'Chromium or Chrome on the path, or where CHROME_PATH says',
    isInstalled: () => findChromium() !== undefined,
  },
  mpirun: { install: 'Open MPI or MPICH', isInstalled: () => runs('mpirun') },
  'Open MPI': { install: 'apt-get install openmpi-bin', isInstalled: () => runs('mpirun.openmpi') },
  MPICH: { install: 'apt-get install mpich', isInstalled: () => runs('mpirun.mpich') },
  nginx: {
    install: 'apt-get install nginx-light, and /usr/sbin on the path',
    isInstalled: () => runs('nginx', '-v'),
  },
} as const satisfies Record<string, Optional>;

export type OptionalName = keyof typeof OPTIONAL;
