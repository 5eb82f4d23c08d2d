import { z } from "@hono/zod-openapi";
import { presetNames } from "../../services/ingest/parse/mapping/presets.ts";
import { dateOrders, timeUnits } from "../../services/ingest/parse/mapping/times.ts";

const optional = (description: string, example?: string) =>
  z.string().optional().openapi({ description, ...(example ? { example } : {}) });

/** A value that the service judges, so that a refusal says how to mend it; the document lists what is taken. */
const oneOf = (values: readonly string[], description: string) =>
  z.string().optional().openapi({ type: "string", enum: [...values], description });

/** How a body that is not in Holdfast's own form is read. */
export const mappingQuery = z.object({
  columns: optional(
    "Fields with the columns of CSV or the keys of JSON they come from: by name, or by number from 1; `ts=date+time` joins two; `buyer_is_maker` gives the side. Columns that are not named and are no field are left out",
    "ts=transact_time,price=p,size=q,buyer_is_maker=m",
  ),
  symbol: optional("The symbol of every row, where no column has it", "BTCUSDT"),
  exchange: optional("The exchange of every row, where no column has it"),
  time_unit: oneOf(timeUnits, "What numbers in ts count since 1970"),
  time_zone: optional(
    "Where times without an offset were written: UTC, an offset, or a name of the tz database",
    "America/New_York",
  ),
  date_order: oneOf(dateOrders, "Order of year, month and day in dates; ymd unless said otherwise"),
  preset: oneOf(presetNames, "The form of an exchange's or a vendor's trades"),
  header: oneOf(
    ["true", "false"],
    "Whether the first line of CSV names the columns; else found out",
  ),
  delimiter: optional(
    "What parts the fields of CSV: a character, or comma, semicolon, tab, pipe, space; else found out",
  ),
  decimal: oneOf(["point", "comma"], "What stands before decimals in CSV"),
  ignore_unknown: oneOf(["true", "false"], "Leave out columns that are no field"),
});
