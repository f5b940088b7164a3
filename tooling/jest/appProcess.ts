/** An app as a user starts it, in a process of its own. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

const NODE = ['--conditions=@beit/source', '--import', 'tsx', 'src/main.ts'];

export interface AppProcess {
  /** Runs to the end. */
  start(...args: string[]): SpawnSyncReturns<string>;
  /** Starts a run, and ends it as a crash would once this folder has a checkpoint. @throws when it ends before */
  killAfterCheckpoint(checkpoints: string, args: readonly string[]): Promise<void>;
}

/** @param folder of the app */
export function appProcess(folder: string): AppProcess {
  return {
    start: (...args) => spawnSync('node', [...NODE, ...args], { cwd: folder, encoding: 'utf8' }),
    async killAfterCheckpoint(checkpoints, args) {
      const killed = spawn('node', [...NODE, ...args], { cwd: folder, stdio: 'ignore' });
      const exited = new Promise((resolve) => killed.once('exit', resolve));
      const isSaved = () =>
        existsSync(checkpoints) && readdirSync(checkpoints).some((name) => name.endsWith('.safetensors'));
      while (!isSaved()) {
        if (killed.exitCode !== null) throw new Error(`${args.join(' ')} ended before its first checkpoint.`);
        await setTimeout(10);
      }
      killed.kill('SIGKILL');
      await exited;
    },
  };
}
