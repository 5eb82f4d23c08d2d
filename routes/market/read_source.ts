import type { Context } from "hono";
import type { ReadSource } from "../../services/market/reads/service.ts";
import { wholeParam } from "../common/shared.ts";

const name = "Holdfast-Read-From";

/** The header that names the server of a read, for the document. */
export const readFromHeaders = {
  [name]: {
    description:
      "Only if HOLDFAST_READ_URLS is set: `standby` with the upper bound of its staleness and the bound in force, in seconds; or `primary`, with the reason if no standby could answer",
    schema: { type: "string" as const },
    example: "standby;staleness=0.412;bound=10",
  },
};

/** The query parameter by which a client lowers the bound of the settings. */
export const stalenessParam = wholeParam(0, 3_600).optional().openapi({
  description:
    "Greatest staleness of an answer from a standby, in seconds; 0: read the primary. HOLDFAST_READ_STALENESS_SECONDS is the upper limit and the default",
});

const seconds = (ms: number) => String(Math.ceil(ms) / 1_000);

/** Returns the value of the header: an item with parameters as in RFC 9651. Pure. */
export function describeSource(source: ReadSource): string {
  if (source.target === "standby") {
    const { staleMs, boundMs } = source;
    return `standby;staleness=${seconds(staleMs)};bound=${seconds(boundMs)}`;
  }
  return source.refusal === undefined ? "primary" : `primary;reason=${source.refusal}`;
}

/** Says in the answer where it was read; nothing where no standby is set. */
export function noteSource(c: Context, source: ReadSource | undefined): void {
  if (source) c.header(name, describeSource(source));
}
