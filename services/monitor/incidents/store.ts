import {
  findIncident,
  type IncidentRow,
  listIncidents,
  saveIncident,
} from "../../../db/history/incidents.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { WriteAccess } from "../write_access/access.ts";

/** A closed incident that is not in the database yet. */
export interface UnsavedIncident {
  row: IncidentRow;
  text: string;
  report: Record<string, unknown>;
}

/** Closed incidents kept in memory until the database takes them, and those kept in the database. */
const unsavedMax = 20;
const keptMax = 200;

/** Stores incidents in the database, and keeps closed ones in memory while it takes no writes. */
export class IncidentStore {
  readonly #pool: Pool;
  readonly #reader: Pick<Pool, "run">;
  readonly #access: Pick<WriteAccess, "canWrite" | "isWatchOnly">;
  readonly #deadlineMs: number;
  #unsaved: readonly UnsavedIncident[] = [];

  constructor({ pool, reader, access, deadlineMs }: {
    pool: Pool;
    reader: Pick<Pool, "run">;
    access: Pick<WriteAccess, "canWrite" | "isWatchOnly">;
    deadlineMs: number;
  }) {
    this.#pool = pool;
    this.#reader = reader;
    this.#access = access;
    this.#deadlineMs = deadlineMs;
  }

  /** Closed incidents that are not in the database yet, oldest first. */
  get unsaved(): readonly UnsavedIncident[] {
    return this.#unsaved;
  }

  /** Takes a closed incident; the oldest unsaved one is dropped beyond 20. */
  add(incident: UnsavedIncident): void {
    this.#unsaved = [...this.#unsaved, incident].slice(-unsavedMax);
  }

  /** Writes the unsaved incidents, if the database takes writes. */
  async flush(): Promise<void> {
    if (!this.#access.canWrite()) return;
    for (const one of this.#unsaved) {
      await this.#write(one.row, one.text);
      this.#unsaved = this.#unsaved.filter((other) => other !== one);
    }
  }

  /** Writes the present state of an incident under way, if the database takes writes. */
  async saveDraft(row: IncidentRow, text: string): Promise<void> {
    if (this.#access.canWrite()) await this.#write(row, text);
  }

  /** Returns stored incidents, newest first; none beside a standby, whose records are another Holdfast's. */
  async list(
    query: { before: { openedAt: string; id: string } | undefined; limit: number },
  ): Promise<IncidentRow[]> {
    if (this.#access.isWatchOnly()) return [];
    return await this.#reader.run((sql) => listIncidents(sql, query));
  }

  /** Returns a stored report; undefined when there is none. */
  async find(id: string): Promise<Record<string, unknown> | undefined> {
    if (this.#access.isWatchOnly()) return undefined;
    return await this.#reader.run((sql) => findIncident(sql, id));
  }

  async #write(row: IncidentRow, text: string): Promise<void> {
    await this.#pool.transaction((sql) => saveIncident(sql, row, text, keptMax), {
      deadlineMs: this.#deadlineMs,
    });
  }
}
