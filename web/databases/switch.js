// Which of several databases the page is of, and the way to the others; nothing where there is one.
import { databaseName } from "../lib/database.js";
import { html } from "../lib/view.js";
import { useApi } from "../parts/use_api.js";

export function DatabaseSwitch() {
  const { data } = useApi("/api/databases?limit=2");
  const several = (data?.databases?.length ?? 0) > 1;
  if (!several && databaseName === null) return null;
  return html`<div class="rail-group"><p>${databaseName ?? "Database"}</p><a href="/databases"><svg
    class="glyph" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path
    d="M4 6h16M4 12h16M4 18h16" /></svg><span>All databases</span></a></div>`;
}
