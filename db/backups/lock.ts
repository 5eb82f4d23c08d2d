import type { ConnectOptions } from "../connection.ts";
import { takeSessionLock } from "../session/lock.ts";

/** Takes the one lock of the backups of a server, or answers undefined when another Holdfast has it. */
export const takeBackupLock = (options: Omit<ConnectOptions, "max" | "applicationName">) =>
  takeSessionLock("holdfast.backup", { ...options, applicationName: "holdfast-backup-lock" });
