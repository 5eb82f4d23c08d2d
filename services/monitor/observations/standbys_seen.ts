const keptMs = 24 * 3_600_000;

/** Remembers for a day the names of standbys that streamed, so that one that stopped is missed. */
export function createStandbysSeen() {
  const seenAt = new Map<string, number>();
  return {
    /** Records the standbys that stream at `at`, in milliseconds. */
    note(streaming: readonly string[], at: number): void {
      for (const name of streaming) seenAt.set(name, at);
      for (const [name, seen] of seenAt) if (at - seen > keptMs) seenAt.delete(name);
    },
    /** Returns the names of those that streamed within the last day, whether they stream now or not. */
    names: (): string[] => [...seenAt.keys()],
  };
}
