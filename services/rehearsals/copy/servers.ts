import { join } from "node:path";
import {
  type ScratchServer,
  type ScratchSession,
  startScratch,
} from "../../../db/backups/cluster.ts";
import { writeScratchAccess } from "../../../db/backups/scratch_access.ts";
import type { Sql } from "../../../db/connection.ts";
import type { RunAs } from "../../../db/embedded/command.ts";
import { ownedFile } from "../../../db/embedded/files.ts";
import { answers } from "../../../db/rehearsals/scratch.ts";
import { HoldfastError } from "../../../errors.ts";
import { type ArmName, arms, type CopyPlace } from "./place.ts";

const startTimeoutMs = 3_600_000;

/** Small, so that two servers beside production need little memory; plans do not depend on it. */
const scratchSettings = {
  shared_buffers: "64MB",
  synchronize_seqscans: "off",
  client_connection_check_interval: "1s",
  max_wal_size: "512MB",
  timezone: "UTC",
  datestyle: "ISO, MDY",
  intervalstyle: "postgres",
  jit: "off",
  idle_in_transaction_session_timeout: "0",
};

/** The programs that a copy's server is started with, and its settings that plans depend on. */
export interface CopyPrograms {
  pgCtl: string;
  major: number;
  planSettings: Readonly<Record<string, string>>;
}

interface CopyServersOptions extends CopyPrograms {
  place: CopyPlace;
  /** Settings of both copies that come before those of every copy. */
  presentSettings?: Readonly<Record<string, string>>;
  as: RunAs | undefined;
  database: string;
  /** A role that may log in, until the superuser is known. */
  role: string;
  /** Called when a server has ended that nobody stopped. */
  onLost: (arm: ArmName) => void;
  signal: AbortSignal;
}

/** The servers of the two copies: starts and stops them, and notices when one ends by itself. */
export class CopyServers {
  readonly #options: CopyServersOptions;
  readonly #programs: Record<ArmName, CopyPrograms>;
  readonly #running: Partial<Record<ArmName, ScratchServer>> = {};
  /** Whether servers are being stopped, so that their end is expected. */
  #stopping = false;
  superuser: string;

  constructor(options: CopyServersOptions) {
    this.#options = options;
    this.#programs = { a: options, b: options };
    this.superuser = options.role;
  }

  /** Has copy `b` started with other programs and settings from now on; without any, with those of copy `a`. */
  useForB(programs: CopyPrograms | undefined): void {
    this.#programs.b = programs ?? this.#options;
  }

  async start(arm: ArmName, settings: Readonly<Record<string, string>>): Promise<void> {
    const { place, as, signal, presentSettings } = this.#options;
    const { pgCtl, major, planSettings } = this.#programs[arm];
    const emptyConf = join(place.home(arm), "copy.conf");
    await ownedFile(emptyConf, "", "write", as);
    await writeScratchAccess(emptyConf, { major, as });
    this.#running[arm] = await startScratch({
      pgCtl,
      data: place.data(arm),
      sockets: place.sockets(arm),
      emptyConf,
      log: join(place.home(arm), "server.log"),
      as,
      recovery: {},
      durable: false,
      spares: true,
      settings: { ...planSettings, ...scratchSettings, ...presentSettings, ...settings },
      timeoutMs: startTimeoutMs,
      signal,
    });
  }

  /** Starts both copies, `b` with `settings` on top. */
  async startBoth(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.start("a", {});
    await this.start("b", settings);
    this.#stopping = false;
  }

  async stop(how: "fast" | "immediate"): Promise<void> {
    this.#stopping = true;
    for (const arm of arms) {
      await this.#running[arm]?.stop(how).catch(() => {});
      delete this.#running[arm];
    }
  }

  /** Stops the servers without waiting: statements under way fail at once. */
  kill(): void {
    for (const arm of arms) void this.#running[arm]?.stop("immediate").catch(() => {});
  }

  /** Returns the running server of a copy. Throws a `conflict` when it is not running. */
  server(arm: ArmName): ScratchServer {
    const server = this.#running[arm];
    if (!server) throw new HoldfastError("conflict", "The copy is not running");
    return server;
  }

  /** Opens a session on the copied database; its end is taken as a sign that the server may have gone. */
  connect(arm: ArmName, role: string, how: ScratchSession = {}): Sql {
    return this.server(arm).connect(this.#options.database, role, {
      applicationName: "holdfast-rehearsal",
      purpose: "benchmark",
      onClose: () => void this.#checkAlive(arm),
      ...how,
    });
  }

  /** Checks a server after a session on it has closed: either the session ended or the server did. */
  async #checkAlive(arm: ArmName): Promise<void> {
    const { database, onLost, signal } = this.#options;
    const server = this.#running[arm];
    if (!server || this.#stopping || signal.aborted) return;
    const sql = server.connect(database, this.superuser, {
      applicationName: "holdfast-rehearsal-check",
    });
    try {
      const alive = await answers(sql);
      if (!alive && this.#running[arm] === server && !this.#stopping) onLost(arm);
    } finally {
      await sql.end({ timeout: 0 }).catch(() => {});
    }
  }
}
