// Intervals as Postgres writes them. Pure.

const SECONDS = {
  hour: 3_600,
  day: 86_400,
  week: 604_800,
  mon: 2_629_800,
  month: 2_629_800,
  year: 31_557_600,
};

/** How many seconds "1 day" is, about; null for what is not said like that. */
export function intervalSeconds(text) {
  if (/^\d\d:\d\d:\d\d$/.test(text)) {
    const [hours, minutes, seconds] = text.split(":").map(Number);
    return hours * 3_600 + minutes * 60 + seconds;
  }
  const [, count, unit] = /^(\d+)\s+(hour|day|week|mon|month|year)s?$/.exec(String(text).trim()) ??
    [];
  return count ? Number(count) * SECONDS[unit] : null;
}
