// Who looks at the page: what a reader may not do is not offered, and whoever signed in can leave again.
import { request } from "./api.js";
import { byId, setHidden } from "./dom.js";

export async function startSession() {
  const button = byId("sign-out");
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await request("/api/session", { method: "DELETE", login: false });
      location.assign("/login");
    } catch {
      button.disabled = false; // no answer: still signed in
    }
  });
  try {
    const { role } = await request("/api/session", { login: false });
    document.documentElement.dataset.role = role ?? "";
    setHidden(button, !role);
  } catch {
    // Without an answer everything is offered; the server refuses what may not be.
  }
}
