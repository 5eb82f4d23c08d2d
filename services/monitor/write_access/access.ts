import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { isOutage } from "./health.ts";
import type { Finding, WriteState } from "./state.ts";

/** The one place that knows whether Holdfast may write; everybody else asks it. */
export interface WriteAccess {
  state(): WriteState;
  canWrite(): boolean;
  /** Whether the server is a standby: what its holdfast schema holds are then the records of another Holdfast. */
  isWatchOnly(): boolean;
  /** Throws `database_read_only`, with the reason and what to do, unless writes are taken. */
  require(): void;
  /** Takes up what a look found. */
  note(finding: Finding): void;
  noteSchema(present: boolean): void;
  /** Calls `listener` at each change of mode or cause, or of whether its preparation failed, at once. */
  onChange(listener: (after: WriteState, before: WriteState) => void): void;
}

/** After this time another look has been taken. */
const retryAfterSeconds = 5;

/** What a refused write answers. */
export function refusal({ reason, remedy }: Pick<WriteState, "reason" | "remedy">): HoldfastError {
  const words = [reason, remedy].filter(Boolean).join(". ");
  return new HoldfastError("database_read_only", words, { retryAfterSeconds });
}

/** Keeps whether the server takes writes, since when not, and why. */
export function createWriteAccess({ clock, log }: { clock: Clock; log: Logger }): WriteAccess {
  let state: WriteState = {
    mode: "writing",
    cause: null,
    since: clock.now().getTime(),
    reason: "",
    remedy: "",
    wrote: false,
    schema: false,
    warning: null,
    unprepared: false,
  };
  const listeners: ((after: WriteState, before: WriteState) => void)[] = [];

  return {
    state: () => state,
    canWrite: () => state.mode === "writing",
    isWatchOnly: () => state.mode === "watch_only",
    require() {
      if (state.mode !== "writing") throw refusal(state);
    },
    note(finding) {
      const before = state;
      const changed = finding.mode !== before.mode || finding.cause !== before.cause ||
        finding.unprepared !== before.unprepared;
      state = {
        ...before,
        ...finding,
        since: finding.mode !== before.mode ? clock.now().getTime() : before.since,
        wrote: before.wrote || finding.mode === "writing",
      };
      if (!changed) return;
      const { mode, reason } = state;
      if (mode === "writing") {
        log.info("writing_again", { read_only_ms: state.since - before.since });
      } else {
        const outage = isOutage(state);
        log[outage ? "error" : "info"](outage ? "writing_ended" : "watch_only", { mode, reason });
      }
      for (const listener of listeners) listener(state, before);
    },
    noteSchema(schema) {
      state = { ...state, schema };
    },
    onChange: (listener) => void listeners.push(listener),
  };
}
