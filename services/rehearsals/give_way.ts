/** Longest that one rehearsal waits for production in all; milliseconds. */
const waitingMaxMs = 600_000;
/** Between two looks at production; milliseconds. */
const lookMs = 1_000;

export interface GiveWayOptions {
  /** Statements that production runs at this moment on the machine of the copies; 0 where it is on another one. */
  activeStatements(): Promise<number>;
  /** Cores of the machine of the copies. */
  cores: number;
  pause(ms: number, signal: AbortSignal): Promise<void>;
  onStep(step: string): void;
  signal: AbortSignal;
}

/** Lets production go first. */
export interface GiveWay {
  /** Waits while production keeps every core busy. Throws the reason of an abort. */
  wait(): Promise<void>;
  /** Says how long it waited; nothing where it did not. */
  problems(): string[];
}

/**
 * Makes the wait of one rehearsal: its servers are niced, but on a machine whose cores are all busy even they cost production
 * time. After ten minutes in all it goes on, and says so.
 */
export function createGiveWay(
  { activeStatements, cores, pause, onStep, signal }: GiveWayOptions,
): GiveWay {
  let waitedMs = 0;
  return {
    async wait() {
      while (waitedMs < waitingMaxMs) {
        // An answer that fails says nothing of production's load, and what it fails of is for the monitor to tell.
        const active = await activeStatements().catch(() => 0);
        signal.throwIfAborted();
        if (active < cores) return;
        onStep(`waiting: production runs ${active} statements on ${cores} cores`);
        await pause(lookMs, signal);
        waitedMs += lookMs;
      }
    },
    problems: () =>
      waitedMs === 0 ? [] : [
        `The rehearsal waited ${
          waitedMs / 1000
        } s in all because production kept all ${cores} cores busy` +
        (waitedMs < waitingMaxMs ? "" : ", then went on beside it: rehearse at a quieter time"),
      ],
  };
}
