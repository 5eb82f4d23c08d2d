// Signing in: sends the token to the server once, which sets a cookie; then opens the page requested before.
import { safeReturn } from "./lib/address.js";
import { request } from "./lib/api.js";

const form = document.getElementById("login");
const field = document.getElementById("token");
const refusal = document.getElementById("refusal");
const button = form.querySelector("button");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  refusal.hidden = true;
  try {
    const body = { token: field.value.trim() };
    await request("/api/session", { method: "POST", body, login: false });
    // A browser keeps the fragment over the redirect to this page, such as the section of a runbook.
    location.replace(safeReturn(new URLSearchParams(location.search).get("to")) + location.hash);
    return;
  } catch (error) {
    refusal.textContent = error.kind === "http"
      ? error.message
      : "No answer from Holdfast. Is it running?";
    refusal.hidden = false;
    field.setAttribute("aria-invalid", "true");
    field.select();
  }
  button.disabled = false;
});
