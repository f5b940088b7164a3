/** The files of docs/examples, as far as that can be told without a cluster: they parse, and their options exist. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { parseOptions } from '../src/options';

const ROOT = join(__dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** What a command line says after the app's main file. */
const appOptions = (args: readonly string[]) => args.slice(args.indexOf('src/main.ts') + 1);

/** A command over several lines, as words. */
const words = (text: string) =>
  text
    .replaceAll(/\\\n(#\s*)?/g, ' ')
    .replaceAll('"', '')
    .trim()
    .split(/\s+/);

/** The command that has `start` in its first line. */
function commandOf(file: string, start: string): string[] {
  const text = read(file);
  const from = text.indexOf(start);
  expect(from).toBeGreaterThan(0);
  return words(/^(?:.*\\\n)*.*/.exec(text.slice(from))![0]);
}

test.each(['docs/examples/slurm.sh', 'scripts/twoHosts.sh'])('bash reads %s', (file) => {
  const { status, stderr } = spawnSync('bash', ['-n', join(ROOT, file)], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('the options that the examples give to the app exist', async () => {
  const slurm = appOptions(commandOf('docs/examples/slurm.sh', 'srun --mpi=pmix'))
    .filter((word) => !word.includes('resume'))
    .map(
      (word) =>
        ({ $images: '/images', $tokenizer: '/t.safetensors', $out: '/o', $SLURM_CPUS_PER_TASK: '16' })[
          word
        ] ?? word,
    );
  const hosts = appOptions(commandOf('docs/examples/hosts', 'mpirun --hostfile'));
  expect(await parseOptions(slurm)).toMatchObject({
    recipe: { name: 'beit-base-imagenet1k' },
    engine: { numThreads: 16 },
    workers: 4,
  });
  expect(await parseOptions(hosts)).toMatchObject({ out: '/shared/runs/together' });
});

interface Pod {
  readonly replicas: number;
  readonly template: { readonly spec: { readonly containers: readonly Container[] } };
}
interface Container {
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly resources: { readonly limits: { readonly cpu: number } };
}

test('the MPIJob has as many workers as processes, with options that exist', async () => {
  const job = load(read('docs/examples/mpijob.yaml')) as {
    apiVersion: string;
    kind: string;
    spec: {
      slotsPerWorker: number;
      sshAuthMountPath: string;
      mpiReplicaSpecs: Record<'Launcher' | 'Worker', Pod>;
    };
  };
  expect([job.apiVersion, job.kind]).toEqual(['kubeflow.org/v2beta1', 'MPIJob']);
  const { Launcher, Worker } = job.spec.mpiReplicaSpecs;
  const [launcher] = Launcher.template.spec.containers;
  const [worker] = Worker.template.spec.containers;
  const { args } = launcher!;
  expect(Number(args[args.indexOf('-n') + 1])).toBe(Worker.replicas * job.spec.slotsPerWorker);
  expect(args.every((arg) => typeof arg === 'string')).toBe(true);
  const options = await parseOptions(appOptions(args));
  expect(options).toMatchObject({ recipe: { name: 'beit-base-imagenet1k' } });
  expect((options as { engine: { numThreads: number } }).engine.numThreads).toBeLessThanOrEqual(
    worker!.resources.limits.cpu,
  );
  // Keys are where the image's sshd looks for them, and both pods are of one image.
  expect(read('docs/examples/Dockerfile')).toContain(`HostKey ${job.spec.sshAuthMountPath}/id_rsa`);
  expect(worker!.args.at(-1)).toBe('/home/node/.sshd_config');
  expect(launcher!.image).toBe(worker!.image);
});
