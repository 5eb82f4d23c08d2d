// Shapes that stand beside every coloured word, so that colour never speaks alone.

const SHAPES = {
  ok: ["M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z", "M7.5 12.4l3 3 6-6.6"],
  warning: ["M12 3.2 22 20.5H2Z", "M12 9.5v5M12 17.3v.4"],
  bad: ["M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8Z", "M8.7 8.7l6.6 6.6M15.3 8.7l-6.6 6.6"],
  unknown: [
    "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z",
    "M9.2 9.4a2.8 2.8 0 1 1 4 2.6c-.8.4-1.2 1-1.2 1.9M12 16.9v.4",
  ],
  info: ["M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z", "M12 11v5.5M12 7.4v.4"],
};

const ICON_OF = {
  healthy: "ok",
  pass: "ok",
  resolved: "ok",
  degraded: "warning",
  warning: "warning",
  inconclusive: "warning",
  unhealthy: "bad",
  critical: "bad",
  fail: "bad",
  info: "info",
};

const TONE_OF = { ok: "good", warning: "warn", bad: "bad", unknown: "unknown", info: "info" };

/** The tone (`good`, `warn`, `bad`, `unknown`, `info`) a status word is painted in. */
export function toneOf(word) {
  return TONE_OF[ICON_OF[word] ?? "unknown"];
}

/** A decorative icon for a status word; the word itself must stand beside it. */
export function icon(word, size = 18) {
  const name = ICON_OF[word] ?? "unknown";
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const attributes = { viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  svg.setAttribute("class", `icon tone-${TONE_OF[name]}`);
  SHAPES[name].forEach((shape, index) => {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("d", shape);
    path.setAttribute("class", index === 0 ? "icon-body" : "icon-mark");
    if (name === "unknown" && index === 0) path.setAttribute("stroke-dasharray", "3.2 2.4");
    svg.append(path);
  });
  return svg;
}
