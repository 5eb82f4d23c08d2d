import { type Format, jsonHeaders, lineOf, prefixOf, runbookUrl } from "./channel.ts";

/** Escapes Slack's three control characters (api.slack.com/reference/surfaces/formatting). */
const escape = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const shownMax = 20;

/** Formats notices for an incoming webhook: one line each; new alerts with their cause, first cure and runbook. */
export const formatSlack: Format = (setting, { notices }, sender) => {
  const lines = notices.slice(0, shownMax).flatMap((notice) => {
    const { kind, alert } = notice;
    const cure = alert.cure[0];
    const isNew = kind === "fired" || kind === "escalated";
    return [
      `*${escape(prefixOf(sender) + lineOf(notice))}*`,
      ...(isNew && alert.cause ? [escape(alert.cause)] : []),
      ...(isNew && cure ? [`\`\`\`${escape(cure.sql.slice(0, 1_000))}\`\`\``] : []),
      ...(isNew ? [`<${escape(runbookUrl(sender, notice))}|Runbook>`] : []),
    ];
  });
  const more = notices.length > shownMax ? [`… and ${notices.length - shownMax} more`] : [];
  const text = [...lines, ...more, `_Holdfast ${escape(sender.instance)}_`].join("\n");
  return [{ url: setting.url ?? "", headers: jsonHeaders, body: JSON.stringify({ text }) }];
};
