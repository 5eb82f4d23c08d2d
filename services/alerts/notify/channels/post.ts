import type { ChannelSetting } from "../../../../config/channels.ts";
import { formatAlertmanager } from "./alertmanager.ts";
import type { Notice } from "../due.ts";
import { dedupKey, type Format, type Message, type Outgoing, type Sender } from "./channel.ts";
import { formatPagerDuty } from "./pagerduty.ts";
import { formatSlack } from "./slack.ts";
import { formatWebhook } from "./webhook.ts";

const formats: Record<ChannelSetting["type"], Format> = {
  webhook: formatWebhook,
  slack: formatSlack,
  pagerduty: formatPagerDuty,
  alertmanager: formatAlertmanager,
};

/** The outcome of one request. The error never has the address, which is a secret for some channels. */
export type Outcome = { ok: true; status: number } | Failure;

export interface Failure {
  ok: false;
  error: string;
  /** It may succeed when tried again. */
  again: boolean;
  /** How long the receiver asks to wait. */
  afterMs: number | undefined;
  /** The receiver takes no requests now. */
  busy: boolean;
  /** The cause may be the content, rather than the address or the credentials. */
  forContent: boolean;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const deadlineMs = 10_000;
/** Longest wait that a receiver may ask for. */
export const longestAfterMs = 3_600_000;
/** Statuses that concern the address or the credentials. Not 403: a filter may refuse the text of one event. */
const aboutAddress = new Set([401, 404, 405, 407, 410]);

/** Returns why a request failed, without the address: the runtime's own message has the whole URL. */
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
    // A redirect could lead to an address inside the network that no setting names.
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

/** Returns whether a request of this kind of channel holds one event; the others hold all of a delivery. */
const takesOne = (type: ChannelSetting["type"]) => type === "pagerduty";

/**
 * Makes one try of a delivery. Returns the outcome of each notice, undefined where it was not sent: after an answer that
 * the receiver is busy, or behind a notice about the same alert that is to be tried again. Where a request of several
 * notices is refused for its content, each is sent by itself, so that only the refused ones fail; where `splitsFailed`
 * says so, also after an error that may pass, such as 500. Takes at most 10 s per request. Throws nothing.
 */
export async function post(
  setting: ChannelSetting,
  { id, notices, now, alone, splitsFailed = () => false }: Message & {
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
