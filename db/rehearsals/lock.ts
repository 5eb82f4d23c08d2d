import type { ConnectOptions } from "../connection.ts";
import { takeSessionLock } from "../session/lock.ts";

/** Takes the one lock of rehearsals at a server, or answers undefined when another Holdfast has it. */
export const takeRehearsalLock = (options: Omit<ConnectOptions, "max" | "applicationName">) =>
  takeSessionLock("holdfast.rehearsal", { ...options, applicationName: "holdfast-rehearsal-lock" });
