import type { Collector, Tier } from "./collector.ts";
import { citusCollectors } from "./citus/collectors.ts";
import { replicationCollectors } from "./replication/collectors.ts";
import { serverCollectors } from "./server/collectors.ts";
import { sessionCollectors } from "./sessions/collectors.ts";
import { statementCollectors } from "./statements/collectors.ts";
import { tableCollectors } from "./tables/collectors.ts";
import { timescaleCollectors } from "./timescale/collectors.ts";

const all = [
  ...sessionCollectors,
  ...serverCollectors,
  ...replicationCollectors,
  ...statementCollectors,
  ...tableCollectors,
  ...citusCollectors,
  ...timescaleCollectors,
];

type Any = (typeof all)[number];

export type CollectorName = Any["name"];

/** The type of the rows of each collector, by its name. */
export type CollectorRows = {
  [Name in CollectorName]: NonNullable<Extract<Any, { name: Name }>["row"]>;
};

/** Every collector. Those of one tier run in this order. */
export const collectors: readonly Collector<CollectorName>[] = all;

const tierByName = new Map(collectors.map(({ name, tier }) => [name, tier]));

/** Returns the tier of a collector; throws RangeError where there is none of that name. */
export function tierOf(name: CollectorName): Tier {
  const tier = tierByName.get(name);
  if (tier === undefined) throw new RangeError(`Cannot find collector ${name}: it is not listed`);
  return tier;
}
