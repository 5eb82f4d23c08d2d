import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { addressLabel } from "../../db/address/address.ts";
import { addressOf, targetOf } from "../../db/address/target.ts";
import { placeOf, serverUser } from "../../db/embedded/place.ts";
import { StartError } from "../../errors.ts";

/** Variables that describe the login but name no server. */
const accompanying = ["PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGPASSFILE", "PGSSLMODE"];

/**
 * Returns a line on which server is used when the variables of libpq make that unclear; undefined otherwise. Throws a
 * StartError when they name a server and the data directory holds an embedded one.
 */
export function describeServerChoice(config: Config): string | undefined {
  const { DATABASE_URL, HOLDFAST_DATA_DIR: dir, libpqVariables, namedBy } = config;
  if (DATABASE_URL === undefined) {
    const found = accompanying.filter((name) => libpqVariables[name]);
    return found.length === 0
      ? undefined
      : `Holdfast uses its own embedded Postgres; without a host, ${
        found.join(", ")
      } have no effect (set DATABASE_URL or PGHOST for a server of yours)`;
  }
  if (namedBy.length === 0) return undefined;
  const label = addressLabel(addressOf(targetOf(DATABASE_URL, libpqVariables)));
  if (!existsSync(placeOf(dir, serverUser(dir)).cluster)) {
    return `Holdfast uses the Postgres that ${namedBy.join(" and ")} ${
      namedBy.length > 1 ? "name" : "names"
    }: ${label} (DATABASE_URL=embedded for an embedded one)`;
  }
  throw new StartError(
    `${namedBy.join(" and ")} ${namedBy.length > 1 ? "name" : "names"} a server (${label}), and ${
      resolve(dir)
    } holds an embedded Postgres; set DATABASE_URL=postgres:// for the first, DATABASE_URL=embedded for the second`,
  );
}
