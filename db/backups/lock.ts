import type { ConnectOptions } from "../connection.ts";
import { takeSessionLock } from "../session/lock.ts";

/** Takes the backup lock of a server; undefined when another instance holds it. */
export const takeBackupLock = (options: Omit<ConnectOptions, "max" | "applicationName">) =>
  takeSessionLock("holdfast.backup", { ...options, applicationName: "holdfast-backup-lock" });
