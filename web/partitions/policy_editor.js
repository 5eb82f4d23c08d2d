// The policy of a table as a form; what saving would do to the runway is said beforehand.
import { request } from "../lib/api.js";
import { duration } from "../lib/format.js";
import { html, useState } from "../lib/view.js";
import { Field, May, Sure } from "../parts/controls.js";
import { Failed, Panel } from "../parts/panel.js";
import { useAction } from "../parts/use_api.js";
import { toast } from "../state.js";
import { intervalSeconds } from "./interval.js";

const KEYS = [
  "timestamptz",
  "timestamp",
  "date",
  "epoch_s",
  "epoch_ms",
  "epoch_us",
  "epoch_ns",
  "uuidv7",
  "id",
];
const ACTIONS = ["detach", "drop", "archive-then-drop", "move"];
const FRESH = {
  interval: "1 day",
  time_zone: "UTC",
  key: "timestamptz",
  premake: 7,
  retention: null,
  cooldown: "7 days",
  seal: false,
  enabled: true,
};

const option = (list, value) =>
  list.map((one) => html`<option value=${one} selected=${one === value}>${one}</option>`);

/** What the next rotations mean for a policy: how long inserts are safe, and what happens to old partitions. */
function outlook(draft) {
  if (!draft.enabled) {
    return "While the rotation is paused, no partition is created or removed: inserts fail when the last one ends.";
  }
  const every = intervalSeconds(draft.interval);
  const ahead = draft.key !== "id" && every
    ? `After the next rotation inserts are safe for at least ${
      duration(every * Number(draft.premake))
    }.`
    : "";
  const behind = draft.retention
    ? `Partitions older than ${draft.retention.keep || "?"} are ${
      {
        detach: "detached",
        drop: "dropped",
        "archive-then-drop": "archived, then dropped",
        move: "moved",
      }[draft.retention.action]
    }.`
    : "Partitions are never removed.";
  return `${ahead} ${behind}`;
}

/** The fields that say when and how old partitions are removed. */
function RetentionFields({ draft, change }) {
  const retain = (changes) =>
    change({ retention: { keep: "90 days", action: "detach", ...draft.retention, ...changes } });
  return html`
    <${Field}
      label="Retention"><select value=${draft.retention ? "keep" : "ever"} onChange=${(event) =>
        event.target.value === "ever" ? change({ retention: null }) : retain(
          {},
        )}><option value="ever">keep for ever</option><option value="keep">remove old partitions</option></select><//>
    ${draft.retention &&
      html`<${Field} label="Keep"><input value=${draft.retention.keep} onInput=${(event) =>
        retain({ keep: event.target.value })} required /><//>
        <${Field} label="Then"><select value=${draft.retention.action} onChange=${(event) =>
        retain({ action: event.target.value })}>${
        option(ACTIONS, draft.retention.action)
      }</select><//>
        ${
        draft.retention.action === "move" &&
        html`<${Field} label="To schema"><input value=${draft.retention.schema ?? ""} onInput=${(
          event,
        ) => retain({ schema: event.target.value })} required /><//>`
      }
        <${Field} label="Cool-down before a drop"><input value=${draft.cooldown} onInput=${(
        event,
      ) => change({ cooldown: event.target.value })} required /><//>`}
  `;
}

export function PolicyEditor({ table, policy, saved }) {
  const [draft, set] = useState({ ...FRESH, ...policy });
  const action = useAction();
  const change = (changes) => set({ ...draft, ...changes });
  const text = (name) => (event) => change({ [name]: event.target.value });
  const save = (event) => {
    event.preventDefault();
    action.run(async () => {
      const { table: _table, ...body } = draft;
      const answer = await request(`/api/partitions/policies/${encodeURIComponent(table)}`, {
        method: "PUT",
        body: { ...body, premake: Number(draft.premake) },
      });
      toast(`The policy of ${table} is saved; the plan shows what is due`, "done");
      saved(answer);
    });
  };
  const forget = () =>
    action.run(() =>
      request(`/api/partitions/policies/${encodeURIComponent(table)}`, { method: "DELETE" }).then(
        () => saved(null),
      )
    );
  return html`
    <${Panel} title="Policy" aside=${policy
      ? ""
      : "none yet: if you save one, Holdfast manages this table"}>
      <form onSubmit=${save}>
        <div class="fields">
          <${Field} label="Interval"
            hint="1 hour, 1 day, 1 week, 1 month, or ids"><input value=${draft
              .interval} onInput=${text("interval")} required /><//>
          <${Field} label="Key"><select value=${draft.key} onChange=${text("key")}>${option(
            KEYS,
            draft.key,
          )}</select><//>
          <${Field} label="Time zone"><input value=${draft.time_zone} onInput=${text(
            "time_zone",
          )} required /><//>
          <${Field} label="Partitions ahead"><input type="number" min="1" max="1000" value=${draft
            .premake} onInput=${text("premake")} required /><//>
          <${RetentionFields} draft=${draft} change=${change} />
          <${Field} label="Seal past partitions"><select value=${String(draft.seal)} onChange=${(
            event,
          ) =>
            change({
              seal: event.target.value === "true",
            })}><option value="false">no</option><option value="true">yes</option></select><//>
          <${Field} label="Rotation"><select value=${String(draft.enabled)} onChange=${(event) =>
            change({
              enabled: event.target.value === "true",
            })}><option value="true">on</option><option value="false">paused</option></select><//>
        </div>
        <p class="readout">${outlook(draft)}</p>
        <${Failed} action=${action} what="Not saved" />
        <${May} needs="admin"><div class="form-foot"><button type="submit" class="primary small" disabled=${action
          .busy}>Save the policy</button>
          ${policy && html`
            <${Sure} sure="Stop managing it? Its partitions stay." disabled=${action.busy}
              onClick=${forget}>Stop managing this table<//>
          `}</div><//>
        </form><//>
  `;
}
