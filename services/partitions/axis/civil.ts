/** Dates and times in Postgres's ISO style, to and from microseconds since 1970, for all years of Postgres. */

export const dayUs = 86_400_000_000n;
export const secondUs = 1_000_000n;

/** Returns the days since 1970-01-01 of a date of the proleptic Gregorian calendar (H. Hinnant, days_from_civil). */
export function daysOfDate(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) +
    dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** Returns the date of a day number; years before 1 are 0 (1 BC), -1 … */
export function dateOfDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra -
    (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

/** Returns the day of a time, and the rest in microseconds. */
export function splitDay(us: bigint): { days: number; rest: bigint } {
  const rest = ((us % dayUs) + dayUs) % dayUs;
  return { days: Number((us - rest) / dayUs), rest };
}

const timePattern =
  /^(\d{4,6})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-]\d\d(?::\d\d){0,2})?)?( BC)?$/;

function offsetUs(text: string | undefined): bigint {
  if (!text) return 0n;
  const [hours = "0", minutes = "0", seconds = "0"] = text.slice(1).split(":");
  const size = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
  return (text.startsWith("-") ? -size : size) * secondUs;
}

/** Reads "2026-01-31 09:30:00.5+00", "2026-01-31" and their like; undefined for anything else. */
export function parseTime(text: string): bigint | undefined {
  const match = timePattern.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hours = "0", minutes = "0", seconds = "0", fraction = "0"] = match;
  const days = daysOfDate(match[9] ? 1 - Number(year) : Number(year), Number(month), Number(day));
  const clock = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  return BigInt(days) * dayUs + clock * secondUs + BigInt(fraction.padEnd(6, "0")) -
    offsetUs(match[8]);
}

const two = (value: number | bigint) => String(value).padStart(2, "0");

/** Formats a date as Postgres does. */
export function formatDate(days: number): string {
  const { year, month, day } = dateOfDays(days);
  const shown = String(year > 0 ? year : 1 - year).padStart(4, "0");
  return `${shown}-${two(month)}-${two(day)}${year > 0 ? "" : " BC"}`;
}

/** Formats a time as Postgres does; `offset` is appended to the clock, such as "+00". */
export function formatTime(us: bigint, offset = ""): string {
  const { days, rest } = splitDay(us);
  const [date, era = ""] = formatDate(days).split(" ");
  const seconds = rest / secondUs;
  const fraction = rest % secondUs;
  const clock = `${two(seconds / 3600n)}:${two(seconds / 60n % 60n)}:${two(seconds % 60n)}`;
  const digits = fraction === 0n ? "" : `.${String(fraction).padStart(6, "0").replace(/0+$/, "")}`;
  return `${date} ${clock}${digits}${offset}${era && ` ${era}`}`;
}
