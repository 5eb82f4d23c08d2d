import type { ChannelSetting } from "../../../../config/channels.ts";
import { formatAlertmanager } from "./alertmanager.ts";
import type { Notice } from "../due.ts";
import { dedupKey, type Format, type Outgoing, type Parcel, type Sender } from "./channel.ts";
import { formatPagerDuty } from "./pagerduty.ts";
import { formatSlack } from "./slack.ts";
import { formatWebhook } from "./webhook.ts";

const formats: Record<ChannelSetting["type"], Format> = {
  webhook: formatWebhook,
  slack: formatSlack,
  pagerduty: formatPagerDuty,
  alertmanager: formatAlertmanager,
};

/** What came of one try. The error never holds the address: those of some channels are secrets. */
export type Outcome = { ok: true; status: number } | Failure;

export interface Failure {
  ok: false;
  error: string;
  again: boolean;
  afterMs: number | undefined;
  /** It takes nothing now. */
  busy: boolean;
  /** The refusal may be for what was sent, not for the address or who asks. */
  forContent: boolean;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const deadlineMs = 10_000;
const longestAfterMs = 3_600_000;
/** No part of a request would fare better. 403 is none of them: a filter on the way may dislike one event's text. */
const aboutAddress = new Set([401, 404, 405, 407, 410]);

/** Why a request failed, in words that name no address: the runtime's own message holds the whole URL. */
function failureWords(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${deadlineMs / 1000} s`;
  }
  const text = error instanceof Error ? `${error.message} ${error.cause ?? ""}` : "";
  const known = /refused|reset|dns|not known|certificate|unreachable/i.exec(text)?.[0];
  return known ? `no connection (${known.toLowerCase()})` : "no connection";
}

/** Parses Retry-After, seconds or a date (RFC 9110, 10.2.3), into milliseconds from `now`, an hour at most. Pure. */
export function retryAfterMs(header: string | null, now: Date): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - now.getTime();
  return ms >= 0 ? Math.min(ms, longestAfterMs) : undefined;
}

async function postOne(
  { url, headers, body }: Outgoing,
  { fetch, now }: { fetch: Fetch; now: Date },
): Promise<Outcome> {
  try {
    // A redirect could lead inside: nobody named that address.
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(deadlineMs),
    });
    await answer.body?.cancel();
    const { status } = answer;
    if (status >= 200 && status < 300) return { ok: true, status };
    return {
      ok: false,
      error: `it answered ${status || "with a redirect"}`,
      again: status === 408 || status === 425 || status === 429 || status >= 500,
      afterMs: retryAfterMs(answer.headers.get("retry-after"), now),
      busy: status === 429 || status === 503,
      forContent: status >= 400 && !aboutAddress.has(status),
    };
  } catch (error) {
    return {
      ok: false,
      error: failureWords(error),
      again: true,
      afterMs: undefined,
      busy: true,
      forContent: false,
    };
  }
}

/** Channels that take one event in a request; the others take all of a delivery in one. */
const takesOne = (type: ChannelSetting["type"]) => type === "pagerduty";

/**
 * Makes one try of a delivery. Answers what came of each notice, undefined where it was not sent: after an answer
 * that says the receiver takes nothing now, or behind one about the same alert that is to be tried again. A request
 * of several that is refused for its content is sent again one by one, so that each is refused for its own sake alone;
 * where `splitsFailed` says so, also one answered with an error that may pass, such as 500: one event may have caused it.
 * Takes 10 s per request at most. Throws nothing.
 */
export async function post(
  setting: ChannelSetting,
  { id, notices, now, alone, splitsFailed = () => false }: Parcel & {
    alone?: (at: number) => string;
    splitsFailed?: (whole: Failure) => boolean;
  },
  { sender, fetch }: { sender: Sender; fetch: Fetch },
): Promise<(Outcome | undefined)[]> {
  const outcomes: (Outcome | undefined)[] = notices.map(() => undefined);
  const send = async (some: readonly Notice[], as: string): Promise<Outcome> => {
    const [outgoing] = formats[setting.type](setting, { id: as, notices: some, now }, sender);
    return outgoing ? await postOne(outgoing, { fetch, now }) : { ok: true, status: 204 };
  };
  if (!takesOne(setting.type) && !alone) {
    const whole = await send(notices, id);
    const splits = !whole.ok && whole.forContent && (!whole.again || splitsFailed(whole)) &&
      notices.length > 1;
    if (!splits) return notices.map(() => whole);
  }
  const waiting = new Set<string>();
  for (const [at, notice] of notices.entries()) {
    const key = dedupKey(notice);
    if (waiting.has(key)) continue;
    const outcome = await send([notice], (alone ?? ((place) => `${id}-${place}`))(at));
    outcomes[at] = outcome;
    if (outcome.ok || !outcome.again) continue;
    if (outcome.busy) break;
    waiting.add(key);
  }
  return outcomes;
}
