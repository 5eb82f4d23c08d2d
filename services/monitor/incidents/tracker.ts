import { randomUUID } from "node:crypto";
import type { RootBlocker } from "../diagnosis/locks.ts";
import type { Snapshot } from "../snapshot.ts";
import { frameOf, type Recording, rootsOf } from "./report.ts";

const minute = 60_000;
const beforeMs = 10 * minute;
/** How often an open incident is saved, so that a killed process leaves it behind. */
const draftEveryMs = minute;
const blockingMax = 240;
const alertsMax = 50;

/** A change of the incident under way. */
export interface Transition {
  kind: "opened" | "draft_due" | "closed";
  recording: Recording;
}

/** What was blocked at one moment, in milliseconds since 1970. */
type Blocking = Recording["blocking"][number];

/** Decides from the snapshots when an incident begins and ends; at most one is open. No I/O. */
export class IncidentTracker {
  readonly #startedAt: number;
  readonly #followMs: number;
  #recording: Recording | undefined;
  /** Ids of the alerts that were critical in the last snapshot. */
  #critical: ReadonlySet<string> = new Set();
  #draftAt = 0;
  readonly #blocking: Blocking[] = [];

  /** `startedAt`: alerts that were critical before have had their incident. `followMs`: time recorded after the alert. */
  constructor({ startedAt, followMs }: { startedAt: number; followMs: number }) {
    this.#startedAt = startedAt;
    this.#followMs = followMs;
  }

  /** The incident under way. */
  get recording(): Recording | undefined {
    return this.#recording;
  }

  /** Returns who was blocked in [from, to]; milliseconds since 1970. */
  blockingBetween(from: number, to: number): Blocking[] {
    return this.#blocking.filter(({ at }) => at >= from && at <= to);
  }

  /** Takes in a snapshot; returns what it changes, in order. */
  observe(snapshot: Snapshot): Transition[] {
    this.#noteBlocking(snapshot.now, rootsOf(snapshot));
    const opened = this.#noteAlerts(snapshot);
    const ended = this.#advance(snapshot);
    return [opened, ended].filter((one) => one !== undefined);
  }

  #noteBlocking(at: number, roots: RootBlocker[] | undefined): void {
    if (roots) this.#blocking.push({ at, roots });
    const oldest = at - beforeMs - this.#followMs;
    while (this.#blocking.length > blockingMax || (this.#blocking[0]?.at ?? at) < oldest) {
      this.#blocking.shift();
    }
  }

  #noteAlerts(snapshot: Snapshot): Transition | undefined {
    const critical = snapshot.firing.filter(({ severity }) => severity === "critical");
    const turned = critical.filter(({ id, started_at }) =>
      !this.#critical.has(id) && Date.parse(started_at) >= this.#startedAt
    );
    this.#critical = new Set(critical.map(({ id }) => id));
    if (turned.length === 0) return undefined;
    if (this.#recording) {
      this.#recording.alerts = [...this.#recording.alerts, ...turned].slice(0, alertsMax);
      return undefined;
    }
    const recording = this.#recordingFrom(snapshot, turned.slice(0, alertsMax));
    this.#recording = recording;
    this.#draftAt = snapshot.now;
    return { kind: "opened", recording };
  }

  #advance(snapshot: Snapshot): Transition | undefined {
    const recording = this.#recording;
    if (!recording) return undefined;
    if (snapshot.now >= recording.until) {
      this.#recording = undefined;
      const closed = { ...recording, until: snapshot.now, after: frameOf(snapshot) };
      return { kind: "closed", recording: closed };
    }
    if (snapshot.now - this.#draftAt < draftEveryMs || snapshot.unreachable) return undefined;
    this.#draftAt = snapshot.now;
    return { kind: "draft_due", recording };
  }

  #recordingFrom(snapshot: Snapshot, alerts: Recording["alerts"]): Recording {
    return {
      id: randomUUID(),
      openedAt: snapshot.now,
      from: snapshot.now - beforeMs,
      until: snapshot.now + this.#followMs,
      alerts,
      before: frameOf(snapshot),
      after: undefined,
      sessions: [],
      blocking: [],
      changes: [],
      maintenance: null,
      samples: new Map(),
    };
  }
}
