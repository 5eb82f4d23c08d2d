import { judgeMissing } from "../../../monitor/diagnosis/indexes.ts";
import type { View } from "../../../monitor/signals/signal.ts";
import { defaults, GiB, type RuleDefinition } from "../definition.ts";
import { byReading, onServer } from "../proof.ts";

const indexesProof = onServer("invalid and duplicate indexes");

const curesOf = (view: View, problem: "invalid" | "duplicate" | "unused") =>
  view.indexes?.all.filter(({ problems }) => problems.includes(problem))
    .flatMap(({ cure }) => cure ?? []);

/** Rules about indexes that are invalid, superfluous or missing. */
export const indexRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "invalid_index",
    title: "An index is invalid",
    metric: "invalid_indexes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Invalid indexes",
    cause:
      "The build of the index did not finish, or a partition lacks its part of the index. Writes maintain an invalid index, and no query uses it.",
    cure: [{
      sql:
        "select indexrelid::regclass as index, indrelid::regclass as table from pg_index where not indisvalid",
      lock: "ACCESS SHARE",
      risk: "reads only; then reindex index concurrently, or drop index concurrently",
    }],
    cureFor: (view) => curesOf(view, "invalid"),
    evidence: ({ view }) => [{
      name: "indexes",
      value: view.rows("indexes")?.flatMap(({ invalid_name }) => invalid_name ?? []),
    }],
    runbook: {
      impact:
        "No query uses the index, and each write maintains it. If it should enforce uniqueness, it does not.",
      look: [
        { read: "GET /api/indexes", shows: "the index, and the statement for it" },
        { read: "GET /api/changes", shows: "when it was created" },
      ],
      steps: [
        "Run the statement of the alert: it rebuilds the index or drops it, without blocking writers.",
      ],
      escalate:
        "if the index belongs to a unique constraint: duplicates may exist, which the owner of the data must resolve.",
    },
    proof: indexesProof,
  },
  {
    ...defaults,
    name: "duplicate_index",
    title: "Two indexes are the same",
    metric: "duplicate_indexes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Duplicate indexes",
    cause: "Each write maintains both indexes; one of them serves every query of the other.",
    cure: [{
      sql:
        "select indrelid::regclass as table, array_agg(indexrelid::regclass) as indexes from pg_index group by indrelid, indkey::text, indclass::text, indcollation::text, indoption::text, indexprs::text, indpred::text having count(*) > 1",
      lock: "ACCESS SHARE",
      risk: "reads only; GET /api/indexes names the one to drop",
    }],
    cureFor: (view) => curesOf(view, "duplicate"),
    evidence: ({ view }) => [{
      name: "indexes",
      value: view.indexes?.all.filter(({ duplicate_of }) => duplicate_of !== null)
        .map(({ name, duplicate_of, bytes }) => ({ name, duplicate_of, bytes })),
    }],
    runbook: {
      impact:
        "Each write maintains two equal indexes. Dropping one makes writes cheaper and slows no query.",
      look: [
        { read: "GET /api/indexes", shows: "the pair, and which one to keep" },
      ],
      steps: [
        "Run the statement of the alert. Rehearse it first if you doubt: `deno task rehearse change.sql`.",
      ],
      escalate: "not needed.",
    },
    proof: indexesProof,
  },
  {
    ...defaults,
    name: "missing_index",
    // Off by default, because it is advice: GET /api/indexes has it too.
    enabled: false,
    title: "A foreign key has no index",
    metric: "missing_indexes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Foreign keys without an index",
    cause: "Each delete or update of a referenced row scans the referencing table.",
    cure: [{
      sql:
        "select conrelid::regclass as table, conname, pg_get_constraintdef(c.oid) from pg_constraint as c where contype = 'f' and not exists (select from pg_index as i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1])",
      lock: "ACCESS SHARE",
      risk: "reads only; GET /api/indexes has the statement for each foreign key",
    }],
    cureFor: (view) => judgeMissing(view.rows("missing_indexes") ?? []).map(({ cure }) => cure),
    runbook: {
      impact: "A delete or an update of a referenced row reads the whole referencing table.",
      look: [
        {
          read: "GET /api/indexes",
          shows: "each foreign key without an index, and the statement for it",
        },
      ],
      steps: [
        "Create the index concurrently if rows of the referenced table are ever deleted or their keys updated.",
      ],
      escalate: "not needed. This rule is off by default, because it is advice.",
    },
    proof: onServer("a foreign key without an index"),
  },
  {
    ...defaults,
    name: "unused_index",
    // Off by default, because it is advice: GET /api/indexes has it too.
    enabled: false,
    title: "Indexes that no query uses take space",
    metric: "unused_index_bytes",
    unit: "bytes",
    direction: "above",
    warning: 10 * GiB,
    critical: null,
    clear: 5 * GiB,
    for_seconds: 0,
    phrase: "Unused indexes",
    cause: "Each write maintains them. Queries on a standby may still use them.",
    cure: [{
      sql:
        "select indexrelid::regclass as index, relid::regclass as table, pg_size_pretty(pg_relation_size(indexrelid)) as size from pg_stat_user_indexes where idx_scan = 0 order by pg_relation_size(indexrelid) desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; GET /api/indexes names those that nothing needs",
    }],
    cureFor: (view) => curesOf(view, "unused"),
    runbook: {
      impact: "The indexes take disk, memory and time of every write.",
      look: [
        {
          read: "GET /api/indexes",
          shows: "the indexes, and what needs one although no query uses it",
        },
      ],
      steps: [
        "Check standbys first: queries there may use the index, and this server does not count them.",
        "Drop one index at a time with `drop index concurrently`. Keep its definition, so that you can create it again.",
      ],
      escalate: "not needed. This rule is off by default, because it is advice.",
    },
    proof: byReading("indexes that no query uses", "an index counts as unused only after a week"),
  },
];
