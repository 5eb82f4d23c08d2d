import { setting, whole } from "./definition.ts";

/** How long a request may take, and how many connections there may be. */
export const httpSettings = {
  HOLDFAST_HEADER_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Longest the head of a request may take to come: from the start of the connection, or from its own first byte.",
  ),
  HOLDFAST_IDLE_SECONDS: setting(
    whole(1, 3_600).default(75),
    "seconds from 1 to 3600",
    "Longest a connection is kept without a request, and longest that none of an answer is taken.",
  ),
  HOLDFAST_REQUEST_SECONDS: setting(
    whole(1, 172_800).optional(),
    "seconds from 1 to 172800",
    "Longest a request may take in all, from its head to the end of its answer. Without it: five minutes more than `HOLDFAST_INGEST_DEADLINE_SECONDS`.",
  ),
  HOLDFAST_BODY_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Longest the body of a request may take to come; uploads of ticks have `HOLDFAST_INGEST_DEADLINE_SECONDS`.",
  ),
  HOLDFAST_BODY_STALL_SECONDS: setting(
    whole(1, 3_600).default(10),
    "seconds from 1 to 3600",
    "Longest pause between two chunks of such a body; uploads of ticks have `HOLDFAST_INGEST_STALL_SECONDS`.",
  ),
  HOLDFAST_CONNECTIONS_MAX: setting(
    whole(1, 1_000_000).default(20_000),
    "a whole number from 1 to 1000000",
    "Connections open at once, WebSockets included; more are answered 503 and closed.",
  ),
  HOLDFAST_CONNECTIONS_PER_ADDRESS_MAX: setting(
    whole(1, 1_000_000).default(11_000),
    "a whole number from 1 to 1000000",
    "The same for one address; a proxy counts as one.",
  ),
} as const;
