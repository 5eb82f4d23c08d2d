import type { ChannelSetting } from "../../../../config/channels.ts";
import { type Notice, rank } from "../due.ts";

/** What stands behind every message: where it comes from. */
export interface Sender {
  /** Name of this Holdfast. */
  instance: string;
  /** Where people reach it, for links. */
  url: string;
}

/** One delivery as it goes over the wire. `id` stays the same at every try: receivers tell repeats by it. */
export interface Outgoing {
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface Parcel {
  id: string;
  notices: readonly Notice[];
  /** When this try is made. */
  now: Date;
}

/** Turns notices into the requests of one kind of channel, sent in order. Pure. */
export type Format = (setting: ChannelSetting, parcel: Parcel, sender: Sender) => Outgoing[];

export const jsonHeaders = { "content-type": "application/json", "user-agent": "Holdfast" };

/** Whether a channel wants to hear of an alert: by the worst it has been, so that it hears the end of what it knows. */
export function wants(setting: ChannelSetting, { alert }: Notice): boolean {
  return rank[alert.peak_severity] >= rank[setting.min_severity] &&
    (setting.rules === undefined || setting.rules.includes(alert.rule));
}

const words: Record<Notice["kind"], string> = {
  fired: "FIRING",
  escalated: "WORSE",
  eased: "EASED",
  acknowledged: "ACKNOWLEDGED",
  reminder: "STILL FIRING",
  resolved: "RESOLVED",
};

/** One line for people: "FIRING critical: Time until inserts fail on market.ticks: 20 h". */
export const lineOf = ({ kind, alert }: Notice): string =>
  `${words[kind]} ${alert.severity}: ${alert.message}`;

/** The same for every Holdfast on a database and over restarts: receivers fold repeats by it. */
export const dedupKey = ({ alert }: Notice): string =>
  ["holdfast", alert.rule, alert.scope, alert.instance].filter(Boolean).join("/");
