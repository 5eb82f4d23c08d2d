import type { ChannelSetting } from "../../../../config/channels.ts";
import { runbookOf } from "../../alert.ts";
import { type Notice, rank } from "../due.ts";

/** The origin of every message. */
export interface Sender {
  /** Name of this Holdfast. */
  instance: string;
  /** Where people reach it, for links. */
  url: string;
  /** The database that the alerts are about; undefined where the process has only one. */
  database?: string | undefined;
}

/** One HTTP request to a receiver. */
export interface Outgoing {
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface Message {
  /** The same at every try, so that receivers recognize repeats. */
  id: string;
  notices: readonly Notice[];
  /** When this try is made. */
  now: Date;
}

/** Formats notices as the requests of one kind of channel, to be sent in order. Pure. */
export type Format = (setting: ChannelSetting, message: Message, sender: Sender) => Outgoing[];

export const jsonHeaders = { "content-type": "application/json", "user-agent": "Holdfast" };

/** Returns whether a channel gets an alert. The worst severity counts, so that it gets the end of what it got. */
export function wants(setting: ChannelSetting, { alert }: Notice): boolean {
  return rank[alert.peak_severity] >= rank[setting.min_severity] &&
    (setting.rules === undefined || setting.rules.includes(alert.rule));
}

const labels: Record<Notice["kind"], string> = {
  fired: "FIRING",
  escalated: "WORSE",
  eased: "EASED",
  acknowledged: "ACKNOWLEDGED",
  reminder: "STILL FIRING",
  resolved: "RESOLVED",
};

/** Returns one line such as "FIRING critical: Time until inserts fail on market.ticks: 20 h". */
export const lineOf = ({ kind, alert }: Notice): string =>
  `${labels[kind]} ${alert.severity}: ${alert.message}`;

/** Returns the whole address of an alert's runbook, also of a notice that an earlier version stored. */
export const runbookUrl = ({ url }: Sender, { alert }: Pick<Notice, "alert">): string =>
  new URL(runbookOf(alert.rule), url).href;

/** Returns what begins a line where a process has several databases: "reports: ". */
export const prefixOf = ({ database }: Sender): string =>
  database === undefined ? "" : `${database}: `;

/**
 * Returns the key by which receivers group notices: the same for all Holdfasts on a database, and over restarts. Where a
 * process has several databases, it begins with the name of one, or they would end each other's incidents.
 */
export const dedupKey = ({ alert }: Notice, database?: string): string =>
  ["holdfast", database, alert.rule, alert.scope, alert.instance].filter(Boolean).join("/");
