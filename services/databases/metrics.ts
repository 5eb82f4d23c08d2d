import type { Family } from "../monitor/export/exposition.ts";
import {
  familiesOf,
  familiesOfMissing,
  type ProcessFacts,
  processWide,
} from "../monitor/export/process.ts";
import type { DatabaseMember } from "./members.ts";

/** Facts about the process that all its databases share. */
export type SharedFacts = Pick<ProcessFacts, "version" | "startedAt" | "lag">;

/** Returns the families of one database; its status is that of the overview, which knows what keeps it from being ready. */
function familiesOfMember({ services, summary }: DatabaseMember, shared: SharedFacts): Family[] {
  const { status } = summary();
  if (!services) return familiesOfMissing(status);
  const { monitor, hub } = services;
  const facts = { ...shared, messages: hub.seq, clients: hub.subscribers };
  return familiesOf({ ...monitor.snapshot(), status }, facts);
}

/**
 * Returns the families of all databases, each series with the label `database`; those of the process once, without it.
 * `pause` is awaited between databases.
 */
export async function familiesOfAll(
  members: readonly DatabaseMember[],
  shared: SharedFacts,
  pause: () => Promise<void>,
): Promise<Family[]> {
  const all = new Map<string, Family>();
  for (const member of members) {
    for (const family of familiesOfMember(member, shared)) {
      const known = all.get(family.name);
      if (processWide.has(family.name)) {
        if (!known) all.set(family.name, family);
        continue;
      }
      const samples = family.samples.map(({ labels, value }) => ({
        labels: { database: member.name, ...labels },
        value,
      }));
      if (known) { for (const sample of samples) known.samples.push(sample); }
      else all.set(family.name, { ...family, samples });
    }
    await pause();
  }
  return [...all.values()];
}
