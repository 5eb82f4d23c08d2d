import { setting, whole } from "./definition.ts";

/** How long a request may take, and how many connections there may be. */
export const httpSettings = {
  HOLDFAST_HEADER_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Maximum time to receive the head of a request, from the start of the connection or from the first byte of the head.",
  ),
  HOLDFAST_IDLE_SECONDS: setting(
    whole(1, 3_600).default(75),
    "seconds from 1 to 3600",
    "Maximum time that a connection stays open without a request, and maximum time that a client reads nothing of an answer.",
  ),
  HOLDFAST_REQUEST_SECONDS: setting(
    whole(1, 172_800).optional(),
    "seconds from 1 to 172800",
    "Maximum time of a whole request, from its head to the end of its answer. If unset: five minutes more than `HOLDFAST_INGEST_DEADLINE_SECONDS`.",
  ),
  HOLDFAST_BODY_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Maximum time to receive the body of a request. For uploads of ticks, `HOLDFAST_INGEST_DEADLINE_SECONDS` applies instead.",
  ),
  HOLDFAST_BODY_STALL_SECONDS: setting(
    whole(1, 3_600).default(10),
    "seconds from 1 to 3600",
    "Maximum pause between two chunks of the body of a request. For uploads of ticks, `HOLDFAST_INGEST_STALL_SECONDS` applies instead.",
  ),
  HOLDFAST_SLOW_REQUEST_MS: setting(
    whole(1, 3_600_000).default(1_000),
    "milliseconds from 1 to 3600000",
    "A request that takes this long or longer until its answer begins is logged at level info.",
  ),
  HOLDFAST_CONNECTIONS_MAX: setting(
    whole(1, 1_000_000).default(20_000),
    "a whole number from 1 to 1000000",
    "Maximum number of open connections, including WebSockets. Further ones are answered 503 and closed.",
  ),
  HOLDFAST_CONNECTIONS_PER_ADDRESS_MAX: setting(
    whole(1, 1_000_000).default(11_000),
    "a whole number from 1 to 1000000",
    "Maximum number of open connections from one address. All clients of a proxy count as one address.",
  ),
} as const;
