import { resolve } from "node:path";
import type { Config } from "../../../config/config.ts";

/** Returns where archives are stored: the setting, or a folder of the data directory. */
export function archiveDirectory(
  { HOLDFAST_ARCHIVE_DIR, HOLDFAST_DATA_DIR }: Pick<
    Config,
    "HOLDFAST_ARCHIVE_DIR" | "HOLDFAST_DATA_DIR"
  >,
): string {
  return resolve(HOLDFAST_ARCHIVE_DIR ?? `${HOLDFAST_DATA_DIR}/archive`);
}
