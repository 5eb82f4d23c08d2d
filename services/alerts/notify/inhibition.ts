import type { Alert } from "../alert.ts";
import { shippedRules } from "../rules/catalog/list.ts";

/** Rules that inhibit every other rule. */
const roots = shippedRules.filter(({ inhibitsAll }) => inhibitsAll).map(({ name }) => name);
/** What inhibits a rule, by its name. */
const causes = new Map(
  shippedRules.flatMap(({ name, inhibitedBy }) => inhibitedBy ? [[name, inhibitedBy]] : []),
);

/** Returns the firing rule of which an alert is a consequence; undefined where there is none. Pure. */
export function inhibitedBy(alert: Alert, firing: readonly Alert[]): string | undefined {
  const fires = (rule: string, scope?: string) =>
    rule !== alert.rule && firing.some((other) =>
      other.rule === rule && other.state === "firing" &&
      (scope === undefined || other.scope === scope)
    );
  const root = roots.find((rule) => fires(rule));
  if (root) return root;
  const cause = causes.get(alert.rule);
  return cause && fires(cause.rule, cause.sameScope ? alert.scope : undefined)
    ? cause.rule
    : undefined;
}
