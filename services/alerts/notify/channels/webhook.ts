import { createHmac } from "node:crypto";
import { dedupKey, type Format, jsonHeaders, lineOf, runbookUrl } from "./channel.ts";

/**
 * Returns the signature of standardwebhooks.com: HMAC-SHA256 over `id.timestamp.body`. A secret that begins with `whsec_` is
 * the key in base64; any other is the key itself.
 */
export function sign(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith("whsec_") ? fromBase64(secret.slice(6)) : secret;
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return `v1,${mac}`;
}

const fromBase64 = (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

/** Formats all notices as JSON. Each try has its own signature, so that a receiver can refuse old requests. */
export const formatWebhook: Format = (setting, { id, notices, now }, sender) => {
  const body = JSON.stringify({
    type: "holdfast.alerts",
    id,
    instance: sender.instance,
    ...(sender.database === undefined ? {} : { database: sender.database }),
    summary: notices.map(lineOf).join("\n"),
    notices: notices.map((notice) => ({
      kind: notice.kind,
      dedup_key: dedupKey(notice, sender.database),
      runbook: runbookUrl(sender, notice),
      alert: notice.alert,
    })),
  });
  const timestamp = String(Math.floor(now.getTime() / 1000));
  return [{
    url: setting.url ?? "",
    headers: {
      ...jsonHeaders,
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": sign(setting.secret ?? "", id, timestamp, body),
    },
    body,
  }];
};
