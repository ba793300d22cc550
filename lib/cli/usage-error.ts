/**
 * A command line that cannot be used. `main.ts` prints it with a pointer to the help and ends with code 2.
 */
export class UsageError extends Error {
  override get name(): string {
    return 'UsageError'
  }
}
