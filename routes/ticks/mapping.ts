import { z } from "@hono/zod-openapi";
import { presetNames } from "../../services/ingest/parse/mapping/presets.ts";
import { dateOrders, timeUnits } from "../../services/ingest/parse/mapping/times.ts";

const optional = (description: string, example?: string) =>
  z.string().optional().openapi({ description, ...(example ? { example } : {}) });

/** A value that the service validates, so that its error names the remedy; the schema lists the values. */
const oneOf = (values: readonly string[], description: string) =>
  z.string().optional().openapi({ type: "string", enum: [...values], description });

/** How to read a body that is not in Holdfast's own format. */
export const mappingQuery = z.object({
  columns: optional(
    "FIELD=COLUMN pairs: the CSV column or JSON key that each field is read from, by name or by number from 1. `ts=date+time` joins two columns; `buyer_is_maker=COLUMN` derives the side. Other columns are ignored",
    "ts=transact_time,price=p,size=q,buyer_is_maker=m",
  ),
  symbol: optional("The symbol of every row, if no column holds it", "BTCUSDT"),
  exchange: optional("The exchange of every row, if no column holds it"),
  time_unit: oneOf(timeUnits, "Unit of numbers in ts, counted from 1970"),
  time_zone: optional(
    "Zone of times without an offset: UTC, an offset, or a name of the tz database",
    "America/New_York",
  ),
  date_order: oneOf(dateOrders, "Order of year, month and day in dates; ymd by default"),
  preset: oneOf(presetNames, "The format of an exchange's or a vendor's trades"),
  header: oneOf(
    ["true", "false"],
    "Whether the first line of CSV names the columns; detected by default",
  ),
  delimiter: optional(
    "Delimiter of CSV: a character, or comma, semicolon, tab, pipe, space; detected by default",
  ),
  decimal: oneOf(["point", "comma"], "Decimal mark of CSV"),
  ignore_unknown: oneOf(["true", "false"], "Ignore columns that are not a field of a tick"),
});
