import { splitDay } from "../axis/civil.ts";
import { openZone } from "../axis/zone.ts";
import type { MaintenanceWindow } from "../policy.ts";

const minuteUs = 60_000_000n;
const minuteOf = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));

/** Says whether a window is open; without windows always. */
export function isWindowOpen(
  windows: readonly MaintenanceWindow[] | null,
  timeZone: string,
  nowUs: bigint,
): boolean {
  if (!windows || windows.length === 0) return true;
  const { days, rest } = splitDay(openZone(timeZone).toWall(nowUs));
  const minute = Number(rest / minuteUs);
  // 1970-01-01 was a Thursday, ISO day 4.
  const weekday = ((days + 3) % 7 + 7) % 7 + 1;
  const yesterday = weekday === 1 ? 7 : weekday - 1;
  return windows.some((window) => {
    const [from, to] = [minuteOf(window.from), minuteOf(window.to)];
    const on = (day: number) => window.days === undefined || window.days.includes(day);
    if (from < to) return on(weekday) && minute >= from && minute < to;
    return on(weekday) && minute >= from || on(yesterday) && minute < to;
  });
}
