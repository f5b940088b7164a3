/** What a shell reports of a program that the signal SIGPIPE ended, as it does most in a pipe: 128 and its number, 13. */
const ENDED_BY_SIGPIPE = 141;

/**
 * Ends this process quietly when nobody reads its output any more, as `| head` does. Node ignores SIGPIPE, so that the
 * next line would be an error with a stack.
 */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(ENDED_BY_SIGPIPE);
    });
}
