// Standbys, slots, WAL, checkpoints and io.
import { useAtMost } from "../health/limit.js";
import { bytes } from "../lib/format.js";
import { useStore } from "../lib/store.js";
import { html } from "../lib/view.js";
import { MetricRows, useMetrics } from "../metrics/rows.js";
import { show } from "../metrics/units.js";
import { PageHead } from "../parts/page_head.js";
import { Await, Panel, Trouble } from "../parts/panel.js";
import { Table } from "../parts/table.js";
import { app } from "../state.js";

/** Rows by scope of the metrics of one kind. */
function byScope(metrics, names) {
  const rows = new Map();
  for (const name of names) {
    for (const { scope, value } of metrics.all(name)) {
      if (scope !== "") rows.set(scope, { ...(rows.get(scope) ?? { scope }), [name]: value });
    }
  }
  return [...rows.values()];
}

const SLOTS = ["slot_retained_bytes", "slot_inactive_seconds", "slot_safe_ratio", "slot_lost"];
const STANDBYS = ["replication_lag_bytes", "replication_lag_seconds", "standby_missing"];
const value = (unit, one) =>
  typeof one === "number" ? show(unit, one) : html`<span class="faint">unknown</span>`;

const SLOT_COLUMNS = [
  { key: "slot", head: "Slot", value: (row) => row.scope },
  {
    key: "retained",
    head: "WAL kept",
    num: true,
    value: (row) => row.slot_retained_bytes,
    show: (row) => value("bytes", row.slot_retained_bytes),
  },
  {
    key: "inactive",
    head: "Unused for",
    num: true,
    value: (row) => row.slot_inactive_seconds,
    show: (row) =>
      row.slot_inactive_seconds === 0 ? "in use" : value("seconds", row.slot_inactive_seconds),
  },
  {
    key: "safe",
    head: "WAL left before it is lost",
    num: true,
    value: (row) => row.slot_safe_ratio,
    show: (row) => value("ratio", row.slot_safe_ratio),
  },
  {
    key: "lost",
    head: "Lost",
    value: (row) => row.slot_lost,
    show: (row) => value("flag", row.slot_lost),
  },
];

const STANDBY_COLUMNS = [
  { key: "standby", head: "Standby", value: (row) => row.scope },
  {
    key: "bytes",
    head: "Behind",
    num: true,
    value: (row) => row.replication_lag_bytes,
    show: (row) =>
      typeof row.replication_lag_bytes === "number" ? bytes(row.replication_lag_bytes) : "unknown",
  },
  {
    key: "seconds",
    head: "Time lag",
    num: true,
    value: (row) => row.replication_lag_seconds,
    show: (row) => value("seconds", row.replication_lag_seconds),
  },
  {
    key: "missing",
    head: "Connected",
    value: (row) => row.standby_missing,
    show: (row) =>
      typeof row.standby_missing !== "number"
        ? value("flag", undefined)
        : row.standby_missing >= 1
        ? "missing"
        : "yes",
  },
];

const OWN = [["standby_replay_delay_seconds", "Replay lag"], [
  "standby_receiving",
  "Receives WAL",
], ["standby_paused", "Replay paused"]];

export function Page() {
  const metrics = useMetrics();
  const role = useStore(app, ({ health }) => health?.role);
  const isSure = useAtMost()("good") === "good";
  const slots = byScope(metrics, SLOTS);
  const standbys = byScope(metrics, STANDBYS);
  const number = (name) => metrics.one(name)?.value;
  return html`
    <${PageHead} title="Replication" aside=${`this server is a ${
      role ?? "server of unknown role"
    }; ${number("standbys") ?? "unknown"} standbys, ${
      number("logical_subscribers") ?? "unknown"
    } logical subscribers, ${number("wal_archivers") ?? "unknown"} WAL receivers`} />
    <${Trouble} of=${metrics.answer} />
    <${Await} of=${metrics.answer}>
      <div class=${role === "standby" ? "columns two three" : "columns two"}>
        <${Panel} title="WAL and archive">
          <${MetricRows} metrics=${metrics} rows=${[
            ["wal_bytes_per_second", "WAL written"],
            ["wal_full_pages_per_second", "Full pages"],
            ["archiver_failing", "Archiver failing"],
            ["archive_lag_seconds", "Archive lag"],
            ["archiver_failures_per_second", "Archiver failures"],
          ]} />
          <//>
          <${Panel}
            title="Checkpoints and I/O"><${MetricRows} metrics=${metrics} rows=${[
              ["checkpoints_requested_per_hour", "Forced checkpoints"],
              ["checkpoints_timed_per_hour", "Timed checkpoints"],
              ["io_read_bytes_per_second", "Read"],
              ["io_write_bytes_per_second", "Written"],
              ["io_client_writes_per_second", "Written by clients"],
              ["io_client_fsyncs_per_second", "Synced by clients"],
            ]} /><//>
          ${role === "standby" && html`
            <${Panel} title="This standby">
              <${MetricRows} metrics=${metrics} rows=${OWN} />
              <//>
          `}
        </div>
        <${Panel} title="Standbys"><${Table} columns=${STANDBY_COLUMNS} rows=${standbys} keyOf=${(
          row,
        ) => row.scope} name="standby" label="Standbys" empty=${number("standbys") === 0
          ? `No standby ${isSure ? "is" : "was"} connected, and none was expected.`
          : "Not known."} /><//>
        <${Panel} title="Slots"><${Table} columns=${SLOT_COLUMNS} rows=${slots} keyOf=${(row) =>
          row
            .scope} name="slot" label="Replication slots" empty=${typeof number("standbys") ===
            "number"
          ? "No replication slot was read."
          : "Not known."} /><//>
        <//>
  `;
}
