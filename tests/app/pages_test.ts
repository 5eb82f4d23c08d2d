import assert from "node:assert/strict";
import { around } from "../../web/alerts/around.js";
import { moment } from "../../web/lib/format.js";
import { backupLine, feedLine } from "../../web/overview/lines.js";
import {
  createHooks,
  createPageTime,
  loadPageModule,
  type Node,
  nodesOf,
  textOf,
} from "../helpers/page_modules.ts";

// Modules of web/ without a browser: what they need of it is given to them.

type Row = Record<string, unknown>;
interface Asked {
  path: string;
  answer: (data: unknown) => Promise<void>;
  fail: (error?: Error) => Promise<void>;
}

/** Lets promises that are settled take effect. */
const settle = async () => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

/** Stands in for lib/api.js: questions wait until the test answers them. */
function createQuestions() {
  const asked: Asked[] = [];
  const request = (path: string) =>
    new Promise((resolve, reject) => {
      asked.push({
        path,
        answer: (data) => (resolve(data), settle()),
        fail: (error = new Error("no answer")) => (reject(error), settle()),
      });
    });
  const contact = { silent: false, answeredAt: null, listeners: new Set<() => void>() };
  return {
    asked,
    /** Returns the questions for `path` that came so far. */
    of: (path: string) => asked.filter((one) => one.path.split("?")[0] === path),
    module: { request, requestList: request, contact },
  };
}

const quiet = { hidden: false, addEventListener: () => {}, documentElement: { dataset: {} } };

interface Store<T> {
  get(): T;
  set(changes: Partial<T>): void;
}
interface StoreModule {
  createStore<T>(initial: T): Store<T>;
  useStore<T, V>(store: Store<T>, select: (value: T) => V): V;
}

Deno.test("a change between drawing and the first effect is drawn", () => {
  const hooks = createHooks();
  const { createStore, useStore } = loadPageModule<StoreModule>("lib/store.js", {
    given: { "lib/view.js": hooks.view },
  });
  const store = createStore({ role: null as string | null });
  const draw = () => hooks.render(() => useStore(store, ({ role }) => role));
  assert.equal(draw(), null);
  store.set({ role: "read" });
  hooks.paint();
  assert.equal(hooks.isDirty(), true);
  assert.equal(draw(), "read");
});

interface Answer {
  data: unknown;
  at: number | null;
  loading: boolean;
  reload: () => void;
}
interface Action {
  error: Error | null;
  done: unknown;
  run: (work: (isLast: () => boolean) => Promise<unknown>) => Promise<unknown>;
}
interface UseApi {
  useApi(path: string | null, options?: Row): Answer;
  useAction(): Action;
}

function loadUseApi({ paused = false } = {}) {
  const hooks = createHooks();
  const questions = createQuestions();
  const time = createPageTime("2026-01-31T09:00:00Z");
  const { useApi, useAction } = loadPageModule<UseApi>("parts/use_api.js", {
    given: {
      "lib/view.js": hooks.view,
      "lib/api.js": questions.module,
      "state.js": { app: { get: () => ({ paused }) } },
    },
    globals: { document: quiet, ...time.globals },
  });
  return { hooks, questions, useApi, useAction };
}

Deno.test("what is asked for while an answer is on its way is asked once more", async () => {
  const { hooks, questions, useApi } = loadUseApi();
  const draw = () => hooks.render(() => useApi("/api/backups"));
  const first = draw();
  hooks.paint();
  first.reload();
  first.reload();
  assert.equal(questions.asked.length, 1);
  await questions.asked[0]?.answer(["from before the change"]);
  assert.equal(questions.asked.length, 2);
  await questions.asked[1]?.answer(["from after it"]);
  assert.deepEqual(draw().data, ["from after it"]);
  assert.equal(questions.asked.length, 2);
});

Deno.test("a range that moves keeps its chart until the next answer, another range does not", async () => {
  const { hooks, questions, useApi } = loadUseApi();
  const draw = (to: number, subject: string | null) =>
    hooks.render(() => useApi(`/api/metrics/m?to=${to}`, { subject }));
  draw(1, "m 1h");
  hooks.paint();
  await questions.asked[0]?.answer("points");
  assert.equal(draw(1, "m 1h").data, "points");
  const moved = draw(2, "m 1h");
  assert.deepEqual([moved.data, moved.at], ["points", Date.parse("2026-01-31T09:00:00Z")]);
  hooks.paint();
  await questions.asked[1]?.fail();
  assert.equal(draw(2, "m 1h").data, "points", "an outage keeps what was last known");
  assert.equal(draw(3, "m 6h").data, null);
});

Deno.test("what is not asked for is not on its way", () => {
  const { hooks, questions, useApi } = loadUseApi();
  assert.equal(hooks.render(() => useApi(null)).loading, false);
  hooks.paint();
  assert.equal(questions.asked.length, 0);
  assert.equal(hooks.render(() => useApi("/api/alerts")).loading, true);
});

Deno.test("a paused page does not ask because something was pushed", async () => {
  for (const paused of [true, false]) {
    const { hooks, questions, useApi } = loadUseApi({ paused });
    const draw = (soon: number) => {
      hooks.render(() => useApi("/api/backups", { soon }));
      hooks.paint();
    };
    draw(1);
    assert.equal(questions.asked.length, 1, "what is opened is asked for");
    await questions.asked[0]?.answer([]);
    draw(2);
    assert.equal(questions.asked.length, paused ? 1 : 2);
  }
});

Deno.test("of two runs the later one counts, in whichever order they end", async () => {
  const { hooks, useAction } = loadUseApi();
  const draw = () => hooks.render(() => useAction());
  const ends: ((value: string) => void)[] = [];
  const shown: string[] = [];
  const work = async (isLast: () => boolean) => {
    const found = await new Promise<string>((resolve) => ends.push(resolve));
    if (isLast()) shown.push(found);
    return found;
  };
  void draw().run(work);
  void draw().run(work);
  ends[1]?.("of 1 day");
  await settle();
  ends[0]?.("of 30 days");
  await settle();
  assert.deepEqual(shown, ["of 1 day"]);
  assert.equal(draw().done, "of 1 day");
});

Deno.test("events that were missed are asked for, an odd frame is not a gap", () => {
  const sockets: { url: string; onopen(): void; onmessage(event: { data: string }): void }[] = [];
  class WebSocket {
    url: string;
    onopen() {}
    onmessage(_event: { data: string }) {}
    constructor(url: string) {
      this.url = url;
      sockets.push(this);
    }
    close() {}
  }
  const { createLive } = loadPageModule<{ createLive(options: Row): { lastSeq(): number } }>(
    "lib/live.js",
    {
      globals: {
        WebSocket,
        document: quiet,
        addEventListener: () => {},
        ...createPageTime("2026-01-31T09:00:00Z").globals,
      },
    },
  );
  let missed = 0;
  const frames: Row[] = [];
  const channel = createLive({
    url: "ws://here/ws",
    onFrame: (frame: Row) => frames.push(frame),
    onState: () => {},
    onMissed: () => missed += 1,
  });
  const [socket] = sockets;
  const say = (frame: Row) => socket?.onmessage({ data: JSON.stringify(frame) });
  socket?.onopen();
  say({ type: "performance_alert", seq: 7, data: {} });
  say({ type: "error", seq: 7, data: { code: "bad_frame" } });
  assert.deepEqual([missed, channel.lastSeq()], [0, 7]);
  say({ type: "error", seq: 7, data: { code: "events_missed" } });
  assert.deepEqual([missed, channel.lastSeq()], [1, 0]);
  say({ type: "error", seq: 7, data: { code: "cannot_resume" } });
  assert.equal(missed, 2);
  assert.equal(frames.length, 1);
});

interface AppState extends Row {
  alerts: Row[];
  alertsComplete: boolean | null;
  alertsFailed: boolean;
  databaseAt: number | null;
  reportAt: number | null;
  measuredAt: number | null;
  database: Row | null;
}

/** The state that all pages share, started; its questions wait until the test answers them. */
function startState() {
  const questions = createQuestions();
  const time = createPageTime("2026-01-31T09:00:00Z");
  let live: { onFrame(frame: Row): void; onState(state: Row): void } | undefined;
  const { app, startState: start, askAlerts } = loadPageModule<{
    app: Store<AppState>;
    startState(): void;
    askAlerts(wait?: number): void;
  }>("state.js", {
    given: {
      "lib/api.js": questions.module,
      "lib/database.js": { livePath: "/ws" },
      "lib/view.js": createHooks().view,
      "lib/live.js": {
        createLive: (options: typeof live) => {
          live = options;
          return {};
        },
      },
    },
    globals: { document: quiet, location: { protocol: "http:", host: "here" }, ...time.globals },
  });
  start();
  return { app, questions, time, askAlerts, live: live ?? assert.fail("no channel") };
}

const firing = (id: string, more: Row = {}) => ({
  id,
  rule: "lock_wait",
  state: "firing",
  severity: "warning",
  message: "Lock wait: 5 s",
  started_at: "2026-01-31T08:00:00Z",
  ...more,
});

Deno.test("the list of alerts is asked for until there is an answer, and a late one is dropped", async () => {
  const { app, questions, time, askAlerts } = startState();
  const lists = () => questions.of("/api/alerts");
  await time.pass(0);
  await lists()[0]?.fail();
  assert.deepEqual([app.get().alertsComplete, app.get().alertsFailed], [false, true]);
  await time.pass(15_000);
  assert.equal(lists().length, 2, "it is asked for again without an event");
  askAlerts();
  await time.pass(0);
  await lists()[2]?.answer({ alerts: [firing("b")], complete: true });
  await lists()[1]?.answer({ alerts: [firing("a")], complete: true });
  assert.deepEqual(app.get().alerts.map(({ id }) => id), ["b"], "the late answer is older");
  await time.pass(60_000);
  assert.equal(lists().length, 3);
});

Deno.test("metrics, feeds and alerts are asked for while the live channel is down", async () => {
  const { app, questions, time, live } = startState();
  const reports = () => questions.of("/api/health/database");
  const lists = () => questions.of("/api/alerts");
  const report = (more: Row = {}) => ({
    checked_at: new time.globals.Date(time.now()).toISOString(),
    age_ms: 0,
    ingest: { feeds: [] },
    alerts: [],
    ...more,
  });
  await time.pass(0);
  await lists()[0]?.answer({ alerts: [], complete: true });
  await reports()[0]?.answer(report());
  live.onState({ phase: "waiting" });
  await time.pass(20_000);
  assert.equal(reports().length, 2);
  await reports()[1]?.answer(report({ alerts: [firing("a")] }));
  await time.pass(0);
  assert.equal(lists().length, 2, "an alert fires of which no event came");
  await lists()[1]?.answer({ alerts: [firing("a")], complete: true });
  await time.pass(20_000);
  await reports()[2]?.answer(report({ alerts: [firing("a", { message: "Lock wait: 25 s" })] }));
  assert.equal(app.get().alerts[0]?.message, "Lock wait: 25 s");
  assert.equal(lists().length, 2);
});

Deno.test("a message of the channel makes neither a measurement nor feeds new", async () => {
  const { app, questions, time, live } = startState();
  await time.pass(0);
  const measured = time.now();
  await questions.of("/api/health/database")[0]?.answer({
    checked_at: new time.globals.Date(measured).toISOString(),
    age_ms: 0,
    ingest: { feeds: [] },
    performance_metrics: { connections_used: 1 },
    alerts: [],
  });
  live.onState({ phase: "open" });
  await time.pass(30_000);
  const ts = new time.globals.Date(time.now()).toISOString();
  live.onFrame({
    type: "database_performance",
    ts,
    data: { performance_metrics: { connections_used: 2 }, overall_status: "unhealthy" },
  });
  const { measuredAt, reportAt, databaseAt, database } = app.get();
  assert.deepEqual([measuredAt, reportAt, databaseAt], [measured, measured, time.now()]);
  assert.deepEqual(database?.performance_metrics, { connections_used: 2 });
  assert.deepEqual(database?.ingest, { feeds: [] }, "what is not pushed stays");
  await time.pass(30_000);
  assert.equal(questions.of("/api/health/database").length, 2, "and is asked for each minute");
});

Deno.test("the range around an alert that has just ended moves with the time by whole steps, then stands still", () => {
  const hooks = createHooks();
  const time = createPageTime("2026-01-31T09:05:01Z");
  const paths = new Set<string>();
  const { useSeries } = loadPageModule<{ useSeries(metric: string, options: Row): Row }>(
    "metrics/series.js",
    {
      given: {
        "lib/view.js": hooks.view,
        "lib/use_range.js": { useRange: () => ({}) },
        "parts/use_api.js": {
          useApi: (path: string) => {
            paths.add(path);
            return { data: null };
          },
        },
      },
      globals: time.globals,
    },
  );
  const alert = { started_at: "2026-01-31T08:00:00Z", resolved_at: "2026-01-31T09:00:00Z" };
  const draw = (now: number) =>
    hooks.render(() => useSeries("lock_waits", { range: around(alert, now), most: 240 }));
  for (let ms = 0; ms < 20; ms++) draw(time.now() + ms);
  assert.equal(paths.size, 1, "each new path is a request");
  const late = Date.parse("2026-01-31T10:00:00Z");
  assert.deepEqual(around(alert, late), around(alert, late + 1));
  assert.equal(around(alert, late).to, Date.parse("2026-01-31T09:15:00Z"));
  assert.equal(around({ ...alert, resolved_at: null }, late).to, late);
});

Deno.test("figures that are old are not shown as healthy, whatever the overall status", () => {
  const time = createPageTime("2026-01-31T09:00:00Z");
  const { atMost } = loadPageModule<
    { atMost(tone: string, state: Row, readAt?: number | null): string }
  >("health/verdict.js", {
    given: { "lib/api.js": { contact: { answeredAt: time.now() } } },
    globals: time.globals,
  });
  const state = {
    failing: null,
    measuredAt: time.now(),
    health: { status: "healthy", checks: [], at: time.now() },
  };
  assert.equal(atMost("good", state), "good");
  assert.equal(atMost("good", state, time.now() - 30_000), "good");
  assert.equal(atMost("good", state, time.now() - 100_000), "unknown");
  assert.equal(atMost("good", state, null), "unknown");
  assert.equal(atMost("bad", state, null), "bad");
});

Deno.test("every page says why what it shows is only as last known", () => {
  const time = createPageTime("2026-01-31T09:00:00Z");
  const { outageWords } = loadPageModule<{ outageWords(state: Row): string | null }>(
    "frame/outage.js",
    {
      given: {
        "lib/view.js": createHooks().view,
        "lib/api.js": { contact: { answeredAt: time.now() } },
        "parts/age.js": {},
        "parts/panel.js": {},
        "state.js": {},
      },
      globals: time.globals,
    },
  );
  const check = (name: string, status: string, detail: string) => ({ name, status, detail });
  const state = (health: Row | null, failing: Row | null = null) => ({
    failing,
    measuredAt: time.now(),
    health: health && { at: time.now(), checks: [], ...health },
  });
  const said = (...of: Parameters<typeof state>) => outageWords(state(...of));
  const sequence = check("Sequence", "unhealthy", "Sequence used up");
  assert.equal(said(null), null, "the first answer may still come");
  assert.equal(said({ status: "healthy" }), null);
  assert.equal(said({ status: "unhealthy", checks: [sequence] }), null);
  assert.equal(said({ status: "healthy", at: time.now() - 100_000 }), null, "after a sleep");
  const silent = check(
    "Database",
    "unhealthy",
    "no answer since 09:00:00 UTC: The database did not answer in time",
  );
  assert.equal(
    said({ status: "unhealthy", checks: [silent] }),
    "The database did not answer in time: no answer since 09:00:00 UTC. What is shown is as last known.",
  );
  assert.match(said({ status: "healthy" }, { kind: "network" }) ?? "", /^No answer from Holdfast/);
});

Deno.test("the list of databases is not green once it is old or the last answer is missing", () => {
  const { rowsNow, reasonOf } = loadPageModule<
    { rowsNow(answer: Row, now: number): Row[]; reasonOf(row: Row): string }
  >(
    "databases/page.js",
    {
      given: {
        "lib/view.js": createHooks().view,
        "lib/clock.js": { serverNow: () => Date.parse("2026-01-31T09:00:00Z") },
        "parts/age.js": {},
        "parts/icon.js": {},
        "parts/page_head.js": {},
        "parts/panel.js": {},
        "parts/table.js": {},
        "parts/use_api.js": {},
      },
    },
  );
  const databases = [{ name: "one", status: "healthy", age_ms: 1_000 }, {
    name: "two",
    status: "unhealthy",
    age_ms: null,
  }];
  const shown = (now: number, error: unknown = null) =>
    rowsNow({ data: { databases }, at: 0, error }, now).map(({ status, age_ms }) => [
      status,
      age_ms,
    ]);
  assert.deepEqual(shown(5_000), [["healthy", 6_000], ["unhealthy", null]]);
  assert.deepEqual(shown(5_000, new Error("no answer"))[0], ["unknown", 6_000]);
  assert.deepEqual(shown(600_000), [["unknown", 601_000], ["unhealthy", null]]);
  const since = "database: no answer since 2026-01-31T08:00:00.000Z";
  assert.match(
    reasonOf({ reasons: [`${since}; ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:5432`] }),
    /^The database refuses connections/,
  );
  assert.equal(reasonOf({ reasons: [since] }), "database: no answer since 08:00:00 UTC");
  assert.equal(reasonOf({ reasons: ["2 checks fail"] }), "2 checks fail");
  assert.equal(reasonOf({ reasons: [] }), "");
});

Deno.test("a panel says nothing of what it has not read", () => {
  const { summaryWords } = loadPageModule<{ summaryWords(count: number, known: Row): string }>(
    "overview/strip.js",
    {
      given: {
        "lib/view.js": createHooks().view,
        "parts/panel.js": {},
        "parts/use_api.js": {},
        "state.js": {},
      },
    },
  );
  assert.equal(summaryWords(0, { isAsked: true }), "Nothing fired and nothing changed.");
  assert.equal(summaryWords(0, { isAsked: false }), "Asking.");
  assert.match(summaryWords(0, { isAsked: true, hasFailed: true }), /not known in full/);
  assert.match(summaryWords(3, { isAsked: true, hasFailed: true }), /perhaps more/);

  const given = {
    "lib/view.js": createHooks().view,
    "parts/panel.js": {},
    "parts/use_api.js": {},
    "parts/table.js": {},
    "parts/controls.js": {},
    "lib/router.js": {},
    "lib/api.js": {},
    "state.js": {},
  };
  const { whyEmpty } = loadPageModule<
    { whyEmpty(order: string, data: Row | null, words: string[]): string }
  >("statements/list_page.js", { given });
  assert.equal(whyEmpty("recent", { status: "unknown", queries: [] }, []), "Not known.");
  assert.equal(
    whyEmpty("recent", { status: "known", queries: [] }, []),
    "No statement is tracked.",
  );
  const { noneWords } = loadPageModule<
    { noneWords(state: string, isFiltered: boolean, isSure: boolean): string }
  >("alerts/list_page.js", { given });
  assert.equal(noneWords("firing", false, true), "No alert is firing.");
  assert.match(noneWords("firing", false, false), /as far as known/);
  assert.equal(noneWords("firing", true, true), "None fits.");

  const rule = { warning: 60, critical: 300, direction: "above", enabled: true };
  const feeds = (count: number) => ({
    quarantined: 0,
    feeds: Array.from({ length: count }, (_, n) => ({ symbol: `S${n}`, age_seconds: n / 10 })),
  });
  assert.deepEqual(feedLine(feeds(3), rule), ["good", "3 symbols, the oldest S2 200 ms old"]);
  assert.deepEqual(feedLine(feeds(50), rule), [
    "info",
    "the 50 most active symbols, of which the oldest S49 4.9 s old",
  ]);

  const failed = { status: "failed" };
  const backups = (next_cursor: string | null) => ({
    data: { backups: [failed, failed], next_cursor },
  });
  assert.deepEqual(backupLine(backups(null), new Map()), [
    "bad",
    "the last backup failed; there is no other",
  ]);
  assert.deepEqual(backupLine(backups("more"), new Map()), [
    "bad",
    "none of the newest backups is complete",
  ]);
});

Deno.test("an action without an answer is not called undone", () => {
  const { failureWords } = loadPageModule<{ failureWords(error: Row, what: string): string }>(
    "parts/panel.js",
    { given: { "lib/view.js": createHooks().view } },
  );
  assert.equal(
    failureWords({ kind: "http", message: "A backup runs." }, "Not started"),
    "Not started: A backup runs.",
  );
  for (const kind of ["timeout", "network"]) {
    const said = failureWords({ kind, message: "No answer within 30 s" }, "Not started");
    assert.match(said, /may have been done or not/);
    assert.doesNotMatch(said, /Not started/);
  }
});

Deno.test("a time of another day is said with its day", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");
  assert.equal(moment("2026-01-31T09:30:00Z", now), "09:30:00");
  assert.equal(moment("2026-01-30T09:30:00Z", now), "30 Jan 09:30:00");
  assert.equal(moment("2025-12-30T09:30:00Z", now), "30 Dec 2025 09:30:00");
  assert.equal(moment(null, now), "unknown");
});

type Component = (props: Row) => Node;
const part = (...names: string[]) => Object.fromEntries(names.map((name) => [name, name]));

Deno.test("neither a double click nor a held key confirms", () => {
  const hooks = createHooks();
  const { Sure } = loadPageModule<{ Sure: Component }>("parts/controls.js", {
    given: { "lib/view.js": hooks.view, "lib/store.js": {}, "state.js": {} },
    globals: createPageTime("2026-01-31T09:00:00Z").globals,
  });
  let done = 0;
  const draw = () =>
    hooks.render(() => Sure({ onClick: () => done += 1, sure: "Remove it?", children: "Remove" }));
  const press = (detail: number) => (draw().props.onClick as (event: Row) => void)({ detail });
  press(1);
  assert.equal(textOf(draw()), "Remove it?");
  press(2);
  assert.equal(done, 0);
  let prevented = 0;
  const hold = draw().props.onKeyDown as (event: Row) => void;
  hold({ key: "Enter", repeat: true, preventDefault: () => prevented += 1 });
  hold({ key: "Tab", repeat: true, preventDefault: () => prevented += 1 });
  assert.equal(prevented, 1);
  press(1);
  assert.equal(done, 1);
});

Deno.test("what was verified of another table is no proof of this one", () => {
  const drawn = (last: Row | null, error: Row | null = null) => {
    const { Verification } = loadPageModule<{ Verification: Component }>(
      "partitions/verification.js",
      {
        given: {
          "lib/view.js": createHooks().view,
          "lib/api.js": {},
          "parts/age.js": part("Age"),
          "parts/controls.js": part("May"),
          "parts/icon.js": part("Badge"),
          "parts/panel.js": part("Await", "Failed", "Note", "Panel", "Trouble"),
          "parts/table.js": part("Table"),
          "parts/use_api.js": {
            useApi: () => ({ data: last, error }),
            useAction: () => ({ busy: false }),
          },
        },
      },
    );
    return textOf(Verification({ table: "app.mine" }));
  };
  const run = { status: "passed", checked: 3, differing: 0, partitions: [], started_at: "" };
  assert.match(drawn({ ...run, table: "app.mine" }), /3 checked, 0 differ/);
  assert.match(drawn({ ...run, table: null }), /of all tables: 3 checked/);
  assert.doesNotMatch(drawn({ ...run, table: "app.other" }), /checked/);
  assert.match(drawn(null, { status: 404 }), /Nothing was verified/);
  assert.equal(drawn(null, { status: 0 }), "", "an answer that is missing is not one");
});

Deno.test("a slot or standby of which nothing is known is neither in use nor connected", () => {
  const { Page } = loadPageModule<{ Page: Component }>("replication/page.js", {
    given: {
      "lib/view.js": createHooks().view,
      "lib/store.js": { useStore: () => "primary" },
      "health/limit.js": { useAtMost: () => (tone: string) => tone },
      "metrics/rows.js": {
        MetricRows: "MetricRows",
        useMetrics: () => ({ all: () => [], one: () => undefined, answer: { data: {} } }),
      },
      "parts/page_head.js": part("PageHead"),
      "parts/panel.js": part("Await", "Panel", "Trouble"),
      "parts/table.js": part("Table"),
      "state.js": {},
    },
  });
  type Column = { head: string; show: (row: Row) => unknown };
  const columns = nodesOf(Page({})).flatMap(({ props }) => props.columns as Column[] ?? []);
  const shown = (head: string, row: Row) =>
    textOf(columns.find((one) => one.head === head)?.show(row) ?? assert.fail(head));
  for (const head of ["Unused for", "Lost", "Connected"]) {
    assert.equal(shown(head, { scope: "one" }), "unknown", head);
  }
  assert.equal(shown("Unused for", { slot_inactive_seconds: 0 }), "in use");
  assert.equal(shown("Lost", { slot_lost: 1 }), "yes");
  assert.equal(shown("Connected", { standby_missing: 0 }), "yes");
  assert.equal(shown("Connected", { standby_missing: 1 }), "missing");
});

Deno.test("the form of a rule shows what is in force after a reset; who may not rehearse asks nothing", async () => {
  const rule = {
    name: "lock_wait",
    title: "Locks",
    metric: "lock_wait_seconds",
    unit: "seconds",
    direction: "above",
    warning: 42,
    critical: 99,
    clear: 5,
    for_seconds: 0,
    keep_firing_seconds: 0,
    cooldown_seconds: 0,
    enabled: true,
    cure: [],
  };
  for (const may of [true, false]) {
    const hooks = createHooks();
    const questions = createQuestions();
    const time = createPageTime("2026-01-31T09:00:00Z");
    const { RuleEditor } = loadPageModule<{ RuleEditor: Component }>("rules/editor.js", {
      given: {
        "lib/view.js": hooks.view,
        "lib/api.js": questions.module,
        "parts/controls.js": { ...part("Field", "May", "Sure"), useMay: () => may },
        "parts/panel.js": part("Failed", "Note", "Panel"),
        "state.js": { app: {}, toast: () => {} },
      },
      globals: { document: quiet, ...time.globals },
    });
    const draw = () => hooks.render(() => RuleEditor({ rule, close: () => {}, saved: () => {} }));
    const level = () =>
      nodesOf(draw()).find(({ props }) => props["aria-label"] === "warning level as a number")
        ?.props.value;
    assert.equal(level(), 42);
    hooks.paint();
    await time.pass(400);
    assert.equal(questions.of("/api/alerts/rehearse").length, may ? 1 : 0);
    const reset = nodesOf(draw()).find((node) => textOf(node) === "Reset" && node.type === "Sure");
    (reset?.props.onClick as () => void)();
    await questions.of("/api/alerts/rules")[0]?.answer({ rules: [{ ...rule, warning: 10 }] });
    assert.equal(level(), 10);
  }
});
