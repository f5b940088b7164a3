import { endWithReader } from '@beit/progress';
import { NonFiniteError } from '@beit/trainer';

/** A mistake on the command line: shown without a stack. */
export class UsageError extends Error {}

/** Where the command was typed; package scripts run elsewhere. */
export const typedIn = (): string => process.env.INIT_CWD ?? process.cwd();

/** Runs an app: its exit status, and errors for people on standard error; it ends with whoever reads its output. */
export async function runMain(main: () => Promise<number>): Promise<void> {
  endWithReader();
  try {
    process.exitCode = await main();
  } catch (error) {
    if (error instanceof UsageError) console.error(`${error.message}\nMore: --help`);
    else if (error instanceof NonFiniteError) console.error(error.message);
    else
      console.error(
        process.env.DEBUG || !(error instanceof Error) ? error : `${error.message}\n(DEBUG=1 shows where.)`,
      );
    process.exitCode = 1;
  }
}
