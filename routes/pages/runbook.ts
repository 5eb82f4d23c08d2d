import { html } from "hono/html";
import { type RunbookSection, runbookSections } from "../../services/alerts/rules/runbook.ts";

type Markup = ReturnType<typeof html>;

/** Returns the text with its code in elements; the name of a rule becomes a link to its section. */
function marked(text: string, ids: ReadonlySet<string>): Markup {
  const parts = text.split("`").map((part, at) => {
    if (at % 2 === 0) return part;
    return ids.has(part)
      ? html`<a href="#${part}"><code>${part}</code></a>`
      : html`<code>${part}</code>`;
  });
  return html`${parts}`;
}

/** Returns the text with its code in elements, and no links: names there are those of metrics and fields. */
const plain = (text: string) => marked(text, new Set());

/** Returns what to read first as a link where this Holdfast answers it by itself. */
function readLink(read: string): Markup {
  const path = read.startsWith("GET ") ? read.slice("GET ".length) : read;
  return path.startsWith("/")
    ? html`<a href="${path}"><code>${read}</code></a>`
    : html`<code>${read}</code>`;
}

function sectionOf(section: RunbookSection, ids: ReadonlySet<string>): Markup {
  const { id, title, levels, inhibition, impact, cause, look, steps, cure, escalate } = section;
  const others = new Set([...ids].filter((other) => other !== id));
  const linked = (text: string) => marked(text, others);
  return html`
    <section class="panel" id="${id}">
    <h2><a href="#${id}">${id}</a></h2>
    <p><strong>${title}.</strong> ${levels && plain(levels)} ${inhibition.map(linked)}</p>
    <h3>What it means</h3>
    <p>${linked(impact)}</p>
    <h3>Cause</h3>
    <p>${linked(cause)}</p>
    <h3>First look</h3>
    <ul>${look.map(({ read, shows }) => html`<li>${readLink(read)}: ${plain(shows)}</li>`)}</ul>
    <h3>Cure</h3>
    <ol>${steps.map((step) => html`<li>${linked(step)}</li>`)}</ol>
    ${cure.map(({ sql, lock, risk }) =>
      html`
        <pre><code>${sql}</code></pre>
        <p class="faint">Lock: ${lock}; ${risk}.</p>
      `
    )}
    <h3>Escalate</h3>
    <p>${linked(escalate)}</p>
    </section>
  `;
}

/** Renders the runbook as a list of links and one section for each rule. No text of it can become markup. Pure. */
export function renderRunbookSections(): string {
  const sections = runbookSections();
  const ids = new Set(sections.map(({ id }) => id));
  const entries = sections.map(({ id, title }) =>
    html`<li><a href="#${id}"><code>${id}</code></a> ${title}</li>`
  );
  return String(html`<ul class="contents">${entries}</ul>
${sections.map((section) => sectionOf(section, ids))}`);
}
