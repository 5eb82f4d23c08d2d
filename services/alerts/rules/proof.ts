/** A test, and its file in tests/. */
export interface TestName {
  test: string;
  file: string;
}

/** The tests that prove a rule. A test checks that they exist and name the rule. */
export interface Proof {
  /** Provokes the condition; the rule fires. */
  fires: TestName;
  /** The value is known; the rule stays silent. */
  silent: TestName;
  /** Why the condition is not provoked on a real server; absent where it is. */
  reading?: string;
}

const onServerFile = "alerts/rules_test.ts";
const readingsFile = "alerts/readings_test.ts";

/** Brings every rule with `onServer` close to its level; none fires. */
const nearlyBad: TestName = {
  test: "values close to their levels fire nothing",
  file: onServerFile,
};

/** Returns a proof on a real server; `silent` defaults to the test of values that are nearly bad. */
export const onServer = (
  test: string,
  { file = onServerFile, silent = nearlyBad }: { file?: string; silent?: TestName } = {},
): Proof => ({ fires: { test, file }, silent });

/** Returns a proof on a real server by one test that covers both. */
export const onServerBoth = (test: string, file = onServerFile): Proof => ({
  fires: { test, file },
  silent: { test, file },
});

/** Returns a proof by given values, in one test that covers both; `why` says why no real server is used. */
export const byReading = (test: string, why: string): Proof => ({
  ...onServerBoth(test, readingsFile),
  reading: why,
});
