/** A metric family of an exposition. The name of a counter has no `_total`: writing adds it. */
export interface Family {
  name: string;
  type: "counter" | "gauge" | "summary" | "info";
  help: string;
  samples: Sample[];
}

export interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
}

export type Format = "prometheus" | "openmetrics";

/** Units that a name may end in and that OpenMetrics declares. */
const units = ["seconds", "bytes", "ratio"];

const escapeHelp = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapeLabel = (text: string) => escapeHelp(text).replaceAll('"', '\\"');

function labelsOf(labels: Sample["labels"] = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function writeFamily({ name, type, help, samples }: Family, format: Format): string[] {
  const suffix = type === "counter" ? "_total" : type === "info" ? "_info" : "";
  const sampleName = `${name}${suffix}`;
  // OpenMetrics describes the family; the older text format describes the name of each series.
  const described = format === "openmetrics" ? name : sampleName;
  const shownType = type === "info" && format === "prometheus" ? "gauge" : type;
  const unit = units.find((one) => name.endsWith(`_${one}`));
  const lines = [`# HELP ${described} ${escapeHelp(help)}`, `# TYPE ${described} ${shownType}`];
  if (format === "openmetrics" && unit) lines.push(`# UNIT ${described} ${unit}`);
  const seen = new Set<string>();
  for (const { labels, value } of samples) {
    const shown = labelsOf(labels);
    // A series may be written only once, and a value that is not finite is unknown.
    if (seen.has(shown) || !Number.isFinite(value)) continue;
    seen.add(shown);
    lines.push(`${sampleName}${shown} ${value}`);
  }
  return seen.size === 0 ? [] : lines;
}

/** Lines after which other work of the process goes first. */
const linesAtOnce = 2_000;

/**
 * Writes families as Prometheus or OpenMetrics text; families without a sample are left out. `pause` is awaited now and
 * then: the families of hundreds of databases have 100,000 lines.
 */
export async function writeExposition(
  families: readonly Family[],
  format: Format,
  pause: () => Promise<void>,
): Promise<string> {
  const parts: string[] = [];
  let since = 0;
  for (const family of families) {
    const lines = writeFamily(family, format);
    if (lines.length > 0) parts.push(lines.join("\n"));
    since += lines.length;
    if (since < linesAtOnce) continue;
    since = 0;
    await pause();
  }
  return [...parts, ...(format === "openmetrics" ? ["# EOF"] : []), ""].join("\n");
}
