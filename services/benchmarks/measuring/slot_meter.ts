import { readWalBytes, relationBytes } from "../../../db/benchmarks/server.ts";
import type { ArmRole, BenchmarkCase, BenchmarkContext, Claim } from "../case.ts";
import type { AroundSlot } from "./measure.ts";

export interface SlotMeter {
  around: AroundSlot;
  /** What was read, as sentences without a full stop. */
  notes(claims: Readonly<Record<ArmRole, Claim>>): Promise<string[]>;
}

/**
 * Reads, off the clock, what each arm that writes costs the server: WAL and storage per unit. The WAL position is
 * the whole server's, so other writers add to it; both arms share that.
 */
export function createSlotMeter(
  bench: BenchmarkCase,
  { sql, schema }: BenchmarkContext,
): SlotMeter {
  const { baseline, candidate } = bench.arms;
  if (!baseline.writes || !candidate.writes) {
    return { around: (_, slot) => slot(), notes: () => Promise.resolve([]) };
  }
  const tables = { baseline: baseline.writes, candidate: candidate.writes };
  const wal = { baseline: { bytes: 0, units: 0 }, candidate: { bytes: 0, units: 0 } };
  return {
    async around(role, slot) {
      const before = await readWalBytes(sql);
      const work = await slot();
      wal[role].bytes += await readWalBytes(sql) - before;
      wal[role].units += work.units;
      return work;
    },
    async notes(claims) {
      const size = {
        baseline: await relationBytes(sql, schema, tables.baseline),
        candidate: await relationBytes(sql, schema, tables.candidate),
      };
      const [unit = "unit"] = bench.unit.split("/");
      const pair = (of: (role: ArmRole) => number) =>
        `${of("candidate").toFixed(0)} against ${of("baseline").toFixed(0)} bytes`;
      return [
        `WAL per ${singular(unit)} ${pair((role) => wal[role].bytes / wal[role].units)}`,
        `Table per ${singular(unit)} ${pair((role) => size[role].table / claims[role].units)}`,
        `Indexes per ${singular(unit)} ${pair((role) => size[role].index / claims[role].units)}`,
      ];
    },
  };
}

function singular(unit: string): string {
  return unit.endsWith("s") ? unit.slice(0, -1) : unit;
}
