// Signing in: the token goes to the server once and comes back as a cookie.
import { request } from "./api.js";
import { byId } from "./dom.js";

const form = byId("login");
const field = byId("token");
const refusal = byId("refusal");
const button = form.querySelector("button");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  refusal.hidden = true;
  try {
    const body = { token: field.value.trim() };
    await request("/api/session", { method: "POST", body, login: false });
    location.replace("/");
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
