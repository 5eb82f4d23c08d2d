// Runs before the first paint (a classic script), so that a remembered theme does not flash.
(() => {
  const CHOICES = ["auto", "light", "dark"];
  const root = document.documentElement;

  function remembered() {
    try {
      const choice = localStorage.getItem("holdfast.theme");
      return CHOICES.includes(choice) ? choice : "auto";
    } catch {
      return "auto";
    }
  }

  function apply(choice) {
    root.dataset.theme = choice;
    // Swagger UI knows its dark colours by this class.
    const dark = choice === "dark" ||
      (choice === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.classList.toggle("dark-mode", dark);
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = `Theme: ${choice}`;
      button.hidden = false;
    }
    document.dispatchEvent(new Event("themechange"));
  }

  let choice = remembered();
  apply(choice);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(choice));
  function next() {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    try {
      localStorage.setItem("holdfast.theme", choice);
    } catch {
      // Private windows may refuse; the choice then lasts as long as the page.
    }
    apply(choice);
  }

  document.addEventListener("themenext", next);
  document.addEventListener("DOMContentLoaded", () => {
    apply(choice);
    document.getElementById("theme")?.addEventListener("click", next);
  });
})();
