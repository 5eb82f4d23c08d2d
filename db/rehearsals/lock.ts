import type { ConnectOptions } from "../connection.ts";
import { takeSessionLock } from "../session/lock.ts";

/** Takes the rehearsal lock of a server; undefined when another instance holds it. */
export const takeRehearsalLock = (options: Omit<ConnectOptions, "max" | "applicationName">) =>
  takeSessionLock("holdfast.rehearsal", { ...options, applicationName: "holdfast-rehearsal-lock" });
