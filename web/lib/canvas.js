// Canvases: their colours from the style sheet, their size from the screen.

const cache = new Map();

document.addEventListener("themechange", () => cache.clear());

/** The value of a colour token such as "accent" in the present theme. */
export function colour(token) {
  if (!cache.has(token)) {
    const probe = document.createElement("span");
    probe.hidden = true;
    probe.style.color = `var(--${token})`;
    document.body.append(probe);
    cache.set(token, getComputedStyle(probe).color);
    probe.remove();
  }
  return cache.get(token);
}

/** Sizes a canvas to its box for the screen's density; answers its context in CSS pixels. */
export function fitCanvas(canvas, width, height) {
  const density = Math.min(devicePixelRatio || 1, 3);
  const pixels = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== pixels[0]) canvas.width = pixels[0];
  if (canvas.height !== pixels[1]) canvas.height = pixels[1];
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
