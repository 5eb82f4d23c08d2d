import { randomUUID } from "node:crypto";
import type { EventJournal, LiveEvent, StoredEvent } from "../../db/live/events.ts";
import { codeOf, isAnswer } from "../../db/errors.ts";
import { messageOf } from "../../errors.ts";
import { createRerun } from "../../lib/rerun.ts";
import type { Logger } from "../../log.ts";
import { type Clock, systemTimers, type Timers } from "../../lib/clock.ts";
import type { WriteAccess } from "../monitor/write_access/access.ts";
import {
  eventsKept,
  type Frame,
  type Hub,
  type MessageType,
  messageTypes,
  type Publisher,
  type Reach,
} from "./hub.ts";
import { Outbox } from "./outbox.ts";

export interface Relay extends Publisher {
  /** Reads what the journal keeps, and begins to store and to send. Never throws. */
  start(): Promise<void>;
  /** New events may be there. */
  wake(): void;
  /** Resolves once all is sent that was in the journal when it was asked, or when that cannot be found out. */
  catchUp(): Promise<void>;
  /** Stores what waits, in a few seconds at most, and ends. */
  stop(): Promise<void>;
}

/** How long an event may wait for its place before it goes out here without one. */
const overdueMs = 1_000;
/** How often the journal is asked though nobody called; and where nobody can call, or it could not be asked. */
const safetyMs = 5_000;
const pollMs = 1_000;
const listenAgainMs = 30_000;
const pruneMs = 60_000;
const stopMs = 3_000;
const batchMax = 100;
const readMax = 500;
const waitingMax = 1_000;
/** Events in the journal; twice as many as one Holdfast keeps in memory. */
const storedMax = 2 * eventsKept;
/** A larger one stays here. */
const charactersMax = 256 * 1024;

/** The figures of each Holdfast's own view are told to its own clients alone. */
const staysHere: ReadonlySet<MessageType> = new Set(["database_performance"]);
/** Those of which a new client is to have one, also where it says nothing new to others. */
const needed: ReadonlySet<MessageType> = new Set(["partition_status", "backup_status"]);

const cursorOf = ({ position, id }: Pick<StoredEvent, "position" | "id">) =>
  `${position}-${id.slice(0, 8)}`;
const isType = (type: string): type is MessageType =>
  (messageTypes as readonly string[]).includes(type);

/**
 * Brings the events of every Holdfast on one database to the clients of all, in one order and once: an event is stored
 * first and sent when it is read. Where the database does not take it within a second, it goes out here at once, and is
 * stored once that can be.
 */
export function createRelay(
  { hub, journal, access, clock, log, timers = systemTimers }: {
    hub: Hub;
    journal: EventJournal;
    access: Pick<WriteAccess, "canWrite" | "isWatchOnly" | "state">;
    clock: Clock;
    log: Logger;
    timers?: Timers;
  },
): Relay {
  const { instance } = hub;
  const outbox = new Outbox(waitingMax);
  const madeAt = timers.nowMs();
  let phase: "new" | "running" | "stopped" = "new";
  let loaded = false;
  /** Whether the journal answered when it was last asked. */
  let reached = true;
  let listening = false;
  let listenAt = -Infinity;
  let prunedAt = madeAt;
  /** Stored in this turn, and not read yet. */
  const stored = new Set<string>();
  let cancelPoll = () => {};
  let cancelOverdue: (() => void) | undefined;

  function send(event: LiveEvent, more: Pick<Frame, "cursor"> = {}, reach?: Reach): void {
    const { type, data, madeAt: ts, instance, id } = event;
    // A later Holdfast may know types that this one does not.
    if (isType(type)) hub.emit({ type, data, ts, instance, id, ...more }, reach);
  }

  function sendOverdue(until: number): void {
    for (const event of outbox.takeOverdue(until)) send(event);
  }

  /** Sends what waits too long; a turn that hangs must not hold it. */
  function watchOverdue(): void {
    const since = outbox.unsentSince;
    if (cancelOverdue || since === undefined) return;
    cancelOverdue = timers.after(Math.max(0, since + overdueMs - timers.nowMs()), () => {
      cancelOverdue = undefined;
      sendOverdue(timers.nowMs() - overdueMs);
      watchOverdue();
    });
  }

  function take(events: readonly StoredEvent[], reach: Reach = "all"): void {
    for (const { event, wasSent } of outbox.arrive(events)) {
      send(event, { cursor: cursorOf(event) }, wasSent ? "from elsewhere" : reach);
    }
  }

  /** Events from before this start are only kept for those that resume. */
  async function load(): Promise<void> {
    const events = await journal.newest(eventsKept);
    const upMs = timers.nowMs() - madeAt;
    const newAt = events.findIndex(({ ageMs }) => ageMs < upMs);
    take(newAt < 0 ? events : events.slice(0, newAt), "resuming");
    if (newAt >= 0) take(events.slice(newAt));
    loaded = true;
  }

  /** The event that was sent last is gone, or another stands there: the database was restored, or we were away too long. */
  async function findPlace(): Promise<void> {
    const events = await journal.newest(storedMax);
    const known = events.findLastIndex((event) => hub.after(cursorOf(event)) !== undefined);
    if (known < 0) {
      log.warn("live_events_missed", { after: outbox.place.position });
      hub.lose();
    }
    const last = known < 0 ? undefined : events[known];
    outbox.moveTo(last?.position ?? 0, last?.id ?? "");
    take(events.slice(known + 1));
  }

  async function read(): Promise<void> {
    for (;;) {
      const { position, id } = outbox.place;
      const events = await journal.from(position, readMax);
      if (position > 0) {
        const [first] = events.splice(0, 1);
        if (first?.position !== position || first.id !== id) return await findPlace();
      }
      take(events);
      if (events.length < readMax - 1) return;
    }
  }

  function noteSkipped(id: string): void {
    const event = outbox.forget(id);
    if (!event || !isType(event.type) || !needed.has(event.type)) return;
    if (!hub.latest().some(({ type }) => type === event.type)) send(event);
  }

  async function storeBatch(events: readonly LiveEvent[]): Promise<void> {
    const positions = await journal.append(events);
    events.forEach(({ id }, at) => {
      if ((positions[at] ?? null) === null) noteSkipped(id);
      else stored.add(id);
    });
  }

  /** One that the database refuses must not keep the others waiting. */
  async function storeOneByOne(events: readonly LiveEvent[]): Promise<void> {
    for (const event of events) {
      try {
        await storeBatch([event]);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        log.warn("live_event_refused", { type: event.type, error: messageOf(error) });
        const unsent = outbox.forget(event.id);
        if (unsent) send(unsent);
      }
    }
  }

  async function store(): Promise<void> {
    stored.clear();
    for (;;) {
      const events = outbox.batch(batchMax + stored.size).filter(({ id }) => !stored.has(id));
      if (events.length === 0) return;
      try {
        await storeBatch(events);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        await storeOneByOne(events);
      }
    }
  }

  /** Asks to be called; where the server or a pooler does not do that, not again for a while. */
  async function listen(): Promise<void> {
    const was = listening;
    listening = false;
    if (access.isWatchOnly() || (!was && timers.nowMs() < listenAt)) return;
    try {
      listening = await journal.listen();
    } catch (error) {
      if (!isAnswer(error)) throw error;
      log.debug("live_events_not_listened_for", { error: messageOf(error) });
    }
    if (!listening) listenAt = timers.nowMs() + listenAgainMs;
  }

  async function prune(): Promise<void> {
    if (!access.canWrite() || timers.nowMs() - prunedAt < pruneMs) return;
    prunedAt = timers.nowMs();
    await journal.prune(storedMax);
  }

  async function turn(): Promise<void> {
    if (access.state().schema) await exchange();
    else reached = false;
    if (!reached || !access.canWrite()) sendOverdue(timers.nowMs());
    if (access.isWatchOnly()) { for (const { id } of outbox.batch(waitingMax)) outbox.forget(id); }
  }

  async function exchange(): Promise<void> {
    try {
      await listen(); // first: what is stored from now on is called out, and what was before is read below
      if (!loaded) await load();
      if (access.canWrite()) await store();
      await read();
      const dropped = outbox.takeDropped();
      if (dropped > 0) log.warn("live_events_dropped", { dropped });
      if (!reached) log.info("live_events_relayed_again");
      reached = true;
      await prune();
    } catch (error) {
      if (reached) log.warn("live_events_not_relayed", { error: messageOf(error) });
      reached = false;
    }
  }

  function schedule(): void {
    cancelPoll();
    if (phase !== "running") return;
    cancelPoll = timers.after(listening && reached ? safetyMs : pollMs, wake);
  }

  const run = createRerun(() => turn().finally(schedule));

  function wake(): void {
    if (phase === "running") void run();
  }

  return {
    publish(type, data, subject) {
      const text = JSON.stringify(data) ?? "null";
      const event: LiveEvent = {
        id: randomUUID(),
        type,
        instance,
        topic: subject?.topic ?? null,
        digest: subject?.digest ?? null,
        data: text,
        madeAt: clock.now().toISOString(),
      };
      if (staysHere.has(type) || text.length > charactersMax || phase === "stopped") {
        return send(event);
      }
      outbox.add(event, timers.nowMs());
      const mustWait = phase === "running" && reached && access.canWrite() && !outbox.isFull;
      if (!mustWait) sendOverdue(timers.nowMs());
      wake();
      watchOverdue();
    },
    async start() {
      if (phase !== "new") return;
      phase = "running";
      await run();
    },
    wake,
    async catchUp() {
      if (phase === "running") await run();
    },
    async stop() {
      if (phase !== "running") return void (phase = "stopped");
      const late = Promise.withResolvers<void>();
      const cancel = timers.after(stopMs, late.resolve);
      if (reached) await Promise.race([run(), late.promise]);
      cancel();
      phase = "stopped";
      cancelPoll();
      cancelOverdue?.();
    },
  };
}

/** Whether the server refused the event itself: data exceptions and violated constraints. */
function isRefusal(error: unknown): boolean {
  return /^2[23]/.test(codeOf(error));
}
