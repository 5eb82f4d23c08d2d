import type { NewLeaf, TableName } from "../../../db/partitions/ddl.ts";
import { quoteLiteral } from "../../../db/sql.ts";
import type { Axis } from "./axis.ts";
import { formatEnd } from "./bound.ts";
import { highest, lowest, type Span } from "./span.ts";

/** Returns a leaf to be created for a span, with its bounds as DDL text; `columns` is how many the key has. */
export function leafOfSpan(
  { parent, name, span, columns }: { parent: TableName; name: string; span: Span; columns: number },
  { codec }: Axis,
): NewLeaf {
  const end = (at: bigint) => formatEnd(at, codec, columns, quoteLiteral);
  const check = (at: bigint) =>
    at === lowest || at === highest ? null : quoteLiteral(codec.format(at));
  return {
    parent,
    name,
    from: end(span.from),
    to: end(span.to),
    checkFrom: check(span.from),
    checkTo: check(span.to),
  };
}
