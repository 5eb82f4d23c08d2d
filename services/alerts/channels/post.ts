import type { ChannelSetting } from "../../../settings/channels.ts";
import { formatAlertmanager } from "./alertmanager.ts";
import type { Format, Outgoing, Parcel, Sender } from "./channel.ts";
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
export type Outcome =
  | { ok: true; status: number }
  | { ok: false; error: string; again: boolean; afterMs: number | undefined };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const deadlineMs = 10_000;

/** Why a request failed, in words that name no address: the runtime's own message holds the whole URL. */
function failureWords(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${deadlineMs / 1000} s`;
  }
  const text = error instanceof Error ? `${error.message} ${error.cause ?? ""}` : "";
  const known = /refused|reset|dns|not known|certificate|unreachable/i.exec(text)?.[0];
  return known ? `no connection (${known.toLowerCase()})` : "no connection";
}

async function postOne({ url, headers, body }: Outgoing, fetch: Fetch): Promise<Outcome> {
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
    const seconds = Number(answer.headers.get("retry-after") ?? NaN);
    return {
      ok: false,
      error: `it answered ${status || "with a redirect"}`,
      again: status === 408 || status === 425 || status === 429 || status >= 500,
      afterMs: Number.isFinite(seconds) && seconds >= 0
        ? Math.min(seconds, 3_600) * 1000
        : undefined,
    };
  } catch (error) {
    return { ok: false, error: failureWords(error), again: true, afterMs: undefined };
  }
}

/** Makes one try of a delivery; answers within 10 s per request. Throws nothing. */
export async function post(
  setting: ChannelSetting,
  parcel: Parcel,
  { sender, fetch }: { sender: Sender; fetch: Fetch },
): Promise<Outcome> {
  let last: Outcome = { ok: true, status: 204 };
  for (const outgoing of formats[setting.type](setting, parcel, sender)) {
    last = await postOne(outgoing, fetch);
    if (!last.ok) return last;
  }
  return last;
}
