import type { ConnectOptions } from "../connection.ts";
import { takeSessionLock } from "../session/lock.ts";

/**
 * Takes the backup lock of a server; undefined when another instance holds it. Calls `onTaken` when the lock is lost and
 * another instance took it.
 */
export const takeBackupLock = (
  options: Omit<ConnectOptions, "max" | "applicationName" | "onClose"> & { onTaken?: () => void },
) => takeSessionLock("holdfast.backup", { ...options, applicationName: "holdfast-backup-lock" });
