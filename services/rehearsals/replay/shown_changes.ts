import { splitStatements } from "../workload/sql_text.ts";

/** Statements that leave rows and visibility maps as they are, or write them to new files. */
const structural =
  /^(create|alter|drop|analy[sz]e|comment|grant|revoke|reassign|security|set|reset|lock|reindex|cluster|truncate|vacuum\s*(\(\s*full\b|full\b)|begin|start|commit|end|rollback|abort|savepoint|release)\b/i;
/** Statements that change what the same plan executes. */
const executable =
  /^(create(\s+or\s+replace)?|alter|drop)\s+((temp|temporary|recursive)\s+)*(function|procedure|routine|aggregate|operator|extension|language|cast|transform|type|domain|view|rule)\b/i;

/**
 * Returns whether a script can make a query faster or slower only by another plan or by new files. It cannot where it changes
 * rows or functions, or where its statements do not show what they do (do, call, select): the same plan then reads the same
 * files at another cost. Pure.
 */
export const isShownByFiles = (script: string): boolean =>
  splitStatements(script).every(({ sql }) => structural.test(sql) && !executable.test(sql));

/** Returns whether a script changes row security, which does not act on the role of a copy. Pure. */
export const changesRowSecurity = (script: string): boolean =>
  splitStatements(script).some(({ sql }) =>
    /^(create|alter|drop)\s+policy\b|^alter\s+table\b[\s\S]*\brow\s+level\s+security\b/i.test(sql)
  );
