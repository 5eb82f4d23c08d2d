const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Formats bytes in a fitting unit of 1,024 as Postgres does, with at most one digit after the point, such as "1.5 GB". */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Math.round(value * 10) / 10} ${byteUnits[unit]}`;
}

/** Formats seconds in the largest unit of which there are two, such as "90 s", "5 min", "47 h" or "30 d". */
export function durationText(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 120) return `${Math.round(seconds)} s`;
  if (size < 7_200) return `${Math.round(seconds / 60)} min`;
  if (size < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
