// The live channel: one WebSocket that reconnects, resumes where it stopped, and notices silence.
import { learnServerTime } from "./clock.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const CONNECT_DEADLINE_MS = 10_000;
const QUIET_MS = 20_000;
const PONG_DEADLINE_MS = 10_000;
/** Errors after which our place means nothing: what was missed must be asked for over HTTP. */
const GAPS = new Set(["cannot_resume", "events_missed"]);

/**
 * Returns the address that asks for what was missed: by number at the same stream, by cursor after a restart or at another
 * Holdfast. A frame after opening would ask too late: an event sent in between would come twice.
 */
function resumeAddress(url, { lastSeq, stream, cursor }) {
  const place = new URLSearchParams();
  if (lastSeq > 0) place.set("seq", String(lastSeq));
  if (lastSeq > 0 && stream) place.set("stream", stream);
  if (cursor) place.set("cursor", cursor);
  return place.size > 0 ? `${url}?${place}` : url;
}

/**
 * Opens the channel. `onFrame(frame)` hears data frames, `onState(state)` each change of
 * `{ phase: "connecting" | "open" | "waiting" | "closed", retryAt, downSince }`, `onMissed()` that events were missed which
 * the server no longer has.
 */
export function createLive({ url, onFrame, onState, onMissed }) {
  let socket = null;
  let lastSeq = 0;
  /** Whose numbers those are; null before the first hello. */
  let stream = null;
  /** The last event seen in the one order of all Holdfasts on the database: what to resume from at another one. */
  let cursor = null;
  let attempts = 0;
  let heardAt = 0;
  let pingedAt = 0;
  let timer = 0;
  let state = { phase: "connecting", retryAt: null, downSince: null };

  function change(next) {
    state = { ...state, ...next };
    onState(state);
  }

  function connect() {
    clearTimeout(timer);
    change({ phase: "connecting", retryAt: null });
    try {
      socket = new WebSocket(resumeAddress(url, { lastSeq, stream, cursor }));
    } catch {
      lost(null);
      return;
    }
    const mine = socket;
    timer = setTimeout(() => lost(mine), CONNECT_DEADLINE_MS);
    mine.onopen = () => opened(mine);
    mine.onmessage = (event) => heard(event.data);
    mine.onclose = () => lost(mine);
  }

  function opened(mine) {
    if (mine !== socket) return;
    clearTimeout(timer);
    heardAt = Date.now();
    pingedAt = 0;
    change({ phase: "open", retryAt: null, downSince: null });
  }

  function lost(mine) {
    if (mine !== socket) return;
    clearTimeout(timer);
    if (mine) {
      mine.onopen = mine.onmessage = mine.onclose = null;
      mine.close();
    }
    socket = null;
    // Jitter, so that a restarted server does not meet every browser in the same second.
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts) *
      (0.6 + Math.random() * 0.4);
    attempts = Math.min(attempts + 1, 10);
    timer = setTimeout(connect, wait);
    change({
      phase: "waiting",
      retryAt: Date.now() + wait,
      downSince: state.downSince ?? Date.now(),
    });
  }

  function heard(text) {
    heardAt = Date.now();
    pingedAt = 0;
    attempts = 0;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return;
    }
    if (frame === null || typeof frame !== "object" || typeof frame.type !== "string") return;
    const seq = Number.isSafeInteger(frame.seq) ? frame.seq : 0;
    if (frame.type === "hello" || frame.type === "pong") {
      learnServerTime(frame.ts);
      if (frame.type === "hello") {
        // Another stream counts anew: our place means nothing there.
        if (stream !== null && stream !== frame.data?.stream) lastSeq = 0;
        stream = typeof frame.data?.stream === "string" ? frame.data.stream : null;
      }
      return;
    }
    if (frame.type === "error") {
      if (!GAPS.has(frame.data?.code)) return;
      lastSeq = 0;
      cursor = null;
      onMissed();
      return;
    }
    if (seq > lastSeq) lastSeq = seq;
    if (typeof frame.cursor === "string") cursor = frame.cursor;
    try {
      onFrame(frame);
    } catch {
      // One unreadable frame must not cost the channel.
    }
  }

  function send(message) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  function heartbeat() {
    if (state.phase !== "open") return;
    const now = Date.now();
    if (pingedAt > 0 && now - pingedAt > PONG_DEADLINE_MS) lost(socket);
    else if (pingedAt === 0 && now - heardAt > QUIET_MS) {
      pingedAt = now;
      send({ action: "ping" });
    }
  }

  /** Retries at once if it is waiting: the network is back, or the page is visible again. */
  function hurry() {
    if (state.phase === "waiting" && !document.hidden) {
      attempts = 0;
      connect();
    }
  }

  setInterval(heartbeat, 5_000);
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
  addEventListener("pagehide", () => socket?.close());
  // A page restored from the browser's back-forward cache has lost its socket.
  addEventListener("pageshow", (event) => event.persisted && hurry());
  connect();
  return {
    state: () => state,
    lastSeq: () => lastSeq,
    /** Closes the channel permanently, as after signing out. */
    close() {
      clearTimeout(timer);
      const mine = socket;
      socket = null;
      if (mine) mine.onopen = mine.onmessage = mine.onclose = null;
      mine?.close();
      change({ phase: "closed", retryAt: null });
    },
  };
}
