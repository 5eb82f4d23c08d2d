import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { isOutage } from "./health.ts";
import type { Finding, WriteState } from "./state.ts";

/** Whether the server takes writes: the only state of it, which all services share. */
export interface WriteAccess {
  state(): WriteState;
  canWrite(): boolean;
  /** Returns whether the server is a standby; then the records in its holdfast schema are those of another Holdfast. */
  isWatchOnly(): boolean;
  /** Throws `database_read_only`, with the reason and the remedy, unless the server takes writes. */
  require(): void;
  /** Takes in what a poll of the server found. */
  note(finding: Finding): void;
  /** Takes in whether the server has the schemas of this version. */
  noteSchema(present: boolean): void;
  /** Calls `listener` synchronously at each change of mode, of cause, or of whether the preparation failed. */
  onChange(listener: (after: WriteState, before: WriteState) => void): void;
}

/** The server is polled again within this time. */
const retryAfterSeconds = 5;

/** Returns the error of a refused write. */
export function refusal({ reason, remedy }: Pick<WriteState, "reason" | "remedy">): HoldfastError {
  const message = [reason, remedy].filter(Boolean).join(". ");
  return new HoldfastError("database_read_only", message, { retryAfterSeconds });
}

/** Makes the state, and logs its changes. A server takes writes until a poll finds otherwise. */
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
