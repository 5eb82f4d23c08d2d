// The heading of a page.
import { html } from "../lib/view.js";

export const PageHead = ({ title, aside, tools }) =>
  html`<div class="page-head"><h1>${title}</h1>${aside && html`<p class="aside">${aside}</p>`}${
    tools && html`<div class="tools">${tools}</div>`
  }</div>`;
