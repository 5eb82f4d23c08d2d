// The states of partitions: how each is filled on a canvas.
import { colour } from "../lib/canvas.js";

/** States in the order of a leaf's life, each with its token and its way of being filled. */
export const STATES = {
  archived: { token: "state-archived", fill: "dots", letter: "A" },
  detached: { token: "state-detached", fill: "outline", letter: "D" },
  sealed: { token: "state-sealed", fill: "sealed", letter: "S" },
  sealing: { token: "state-sealing", fill: "bars", letter: "…" },
  hot: { token: "state-hot", fill: "solid", letter: "H" },
  planned: { token: "state-planned", fill: "hatch", letter: "P" },
  default: { token: "warn", fill: "outline", letter: "*" },
  damaged: { token: "bad", fill: "bars", letter: "X" },
  overlap: { token: "bad", fill: "hatch", letter: "O" },
  hole: { token: "bad", fill: "cross", letter: "!" },
};

/** Fills a box in the manner of a state, so that states differ also without colour. */
export function paintState(context, state, x, y, width, height) {
  const { token, fill } = STATES[state] ?? { token: "unknown", fill: "outline" };
  const ink = colour(token);
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = context.fillStyle = ink;
  if (fill === "solid" || width < 4) context.fillRect(x, y, width, height);
  else if (fill === "sealed") {
    context.fillRect(x, y, width, height);
    context.clearRect(x + 2, y + height / 2 - 1, width - 4, 2);
  } else {
    context.globalAlpha = 0.22;
    if (fill !== "outline") context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
    context.lineWidth = 1.2;
    strokes(context, fill, x, y, width, height);
    context.lineWidth = 2;
    if (fill === "outline") context.setLineDash([3, 2]);
    if (fill !== "dots") context.strokeRect(x, y, width, height);
  }
  context.restore();
}

function strokes(context, fill, x, y, width, height) {
  context.beginPath();
  if (fill === "hatch" || fill === "cross") {
    for (let at = -height; at < width; at += 5) {
      context.moveTo(x + at, y + height);
      context.lineTo(x + at + height, y);
      if (fill === "cross") {
        context.moveTo(x + at, y);
        context.lineTo(x + at + height, y + height);
      }
    }
    context.stroke();
  } else if (fill === "bars") {
    for (let at = 2; at < width; at += 4) {
      context.moveTo(x + at, y);
      context.lineTo(x + at, y + height);
    }
    context.stroke();
  } else if (fill === "dots") {
    for (let at = 2; at < width; at += 5) {
      for (let down = 2; down < height; down += 5) context.rect(x + at, y + down, 1.6, 1.6);
    }
    context.fill();
  }
}
