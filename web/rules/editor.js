// The levels of one rule, with what they would have done over stored history, as one drags.
import { request } from "../lib/api.js";
import { dateTime } from "../lib/format.js";
import { html, useEffect, useState } from "../lib/view.js";
import { show } from "../metrics/units.js";
import { Field, May, Sure, useMay } from "../parts/controls.js";
import { Failed, Note, Panel } from "../parts/panel.js";
import { useAction } from "../parts/use_api.js";
import { toast } from "../state.js";

const LEVELS = ["warning", "critical", "clear"];
const WAITS = [["for_seconds", "Holds for, s"], ["keep_firing_seconds", "Clear for, s"], [
  "cooldown_seconds",
  "Cooldown, s",
]];

/** Ends of the slider: around what the rule has now. */
function span(rule) {
  const known = LEVELS.map((name) => rule[name]).filter((value) => typeof value === "number");
  const top = Math.max(...known.map(Math.abs), 1e-6);
  return rule.unit === "ratio" && top <= 1
    ? { min: 0, max: 1, step: 0.005 }
    : { min: 0, max: top * 2, step: top / 100 };
}

const draftOf = (rule) =>
  Object.fromEntries(
    [...LEVELS, ...WAITS.map(([name]) => name), "enabled"].map((name) => [name, rule[name]]),
  );

export function RuleEditor({ rule, close, saved }) {
  const [draft, set] = useState(() => draftOf(rule));
  const [days, setDays] = useState(7);
  const [rehearsal, show_] = useState(null);
  const rehearsing = useAction();
  const saving = useAction();
  const ends = span(rule);
  const number = (name) => (event) =>
    set({ ...draft, [name]: event.target.value === "" ? null : Number(event.target.value) });
  const { enabled: _enabled, ...changes } = draft;
  const may = useMay("operate");
  const subject = JSON.stringify([changes, days]);
  // A rehearsal follows the hand, but waits until it rests.
  useEffect(() => {
    if (!may) return;
    const rehearse = async (isLast) => {
      const found = await request("/api/alerts/rehearse", {
        method: "POST",
        body: { rule: rule.name, days, changes },
        deadline: 20_000,
      });
      if (isLast()) show_({ ...found, subject });
    };
    const timer = setTimeout(() => rehearsing.run(rehearse), 350);
    return () => clearTimeout(timer);
  }, [subject, may]);
  const put = (body, said) =>
    saving.run(async () => {
      const { rules } = await request("/api/alerts/rules", {
        method: "PUT",
        body: { rules: [{ name: rule.name, ...body }] },
      });
      set(draftOf(rules.find(({ name }) => name === rule.name)));
      toast(said, "done");
      saved();
    });
  const save = (event) => {
    event.preventDefault();
    put(draft, `The levels of ${rule.name} are saved`);
  };
  return html`
    <${Panel} title=${rule.title} aside=${`${rule.name}: ${rule.metric.replaceAll("_", " ")}, ${
      rule.direction === "below" ? "low" : "high"
    } is bad`} tools=${html`
      <a href=${`/docs/runbook#${rule.name}`}>Runbook</a><button type="button" class="small"
        onClick=${close}>Close</button>
    `}>
      <form onSubmit=${save}>
        <div class="fields">
          ${LEVELS.map((name) =>
            html`<${Field} key=${name} label=${`${name} ${
              draft[name] === null ? "(none)" : `at ${show(rule.unit, draft[name])}`
            }`}>
        <input type="range" aria-label=${`${name} level`} min=${ends.min} max=${ends.max} step=${ends.step} value=${
              draft[name] ?? 0
            } onInput=${number(name)} />
        <input type="number" aria-label=${`${name} level as a number`} step="any" value=${
              draft[name] ?? ""
            } onInput=${number(name)} required=${name === "clear"} /><//>`
          )}
          ${WAITS.map(([name, label]) =>
            html`
              <${Field} key=${name}
                label=${label}><input type="number" min="0" step="1" value=${draft[
                  name
                ]} onInput=${number(name)} required /><//>
            `
          )}
          <${Field} label="Judged"><select value=${String(draft.enabled)} onChange=${(event) =>
            set({
              ...draft,
              enabled: event.target.value === "true",
            })}><option value="true">yes</option><option value="false">no</option></select><//>
        </div>
        <div class="rehearsal" role="status"><label class="inline">Over <select class="small" value=${String(
          days,
        )} onChange=${(event) =>
          setDays(
            Number(event.target.value),
          )}><option value="1">1 day</option><option value="7">7 days</option><option value="30">30 days</option></select></label>
          <p>${!may
            ? "A token that may operate can rehearse levels."
            : rehearsing.error
            ? `Cannot be rehearsed: ${rehearsing.error.message}`
            : rehearsal
            ? html`
              ${rehearsal.subject !== subject &&
                "Rehearsing; with the levels before: "}<b>Would have fired ${rehearsal
                .would_have_fired} ${rehearsal.would_have_fired === 1 ? "time" : "times"}</b> <span
                class="faint">${rehearsal.points} points known from ${rehearsal.known_from
                  ? dateTime(rehearsal.known_from)
                  : "nowhen"}</span>
            `
            : "Rehearsing."}</p></div>
        ${rehearsal?.firings?.length > 0 &&
          html`<ul class="plain">${
            rehearsal.firings.slice(0, 8).map((one) =>
              html`<li><span class="faint">${
                dateTime(one.started_at)
              }</span> ${one.severity}: ${one.message}</li>`
            )
          }</ul>`}
        ${(rule.cure ?? []).length === 0 &&
          html`<${Note} tone="info">This rule has no statement to run.<//>`}
        <${Failed} action=${saving} what="Not saved" />
        <${May} needs="admin"><div class="form-foot"><button class="primary small" disabled=${saving
          .busy}>Save the levels</button><${Sure} kind="small" disabled=${saving
          .busy} sure="Restore the shipped levels?" onClick=${() =>
          put({ reset: true }, `${rule.name} is as shipped`)}>Reset<//></div><//>
        </form><//>
  `;
}
