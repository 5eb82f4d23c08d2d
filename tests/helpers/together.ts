/**
 * Runs the tests of many files in one isolate, which loads and compiles the modules of Holdfast once for all of them:
 * `deno test` alone gives each file an isolate of its own, and half of the suite's time was spent in starting those.
 */

type Body = (context: Deno.TestContext) => void | Promise<void>;
type Hook = () => unknown;

interface Found {
  name: string;
  fn: Body;
  ignore?: boolean;
}

/** What one file registers; hooks in the order in which they run. */
interface FileTests {
  tests: Found[];
  beforeAll: Hook[];
  beforeEach: Hook[];
  afterEach: Hook[];
  afterAll: Hook[];
}

/** Takes the two forms in which the suite registers a test; any other is refused, lest a test be lost. */
function foundIn(args: unknown[]): Found {
  const [first, second] = args;
  if (typeof first === "string" && typeof second === "function" && args.length === 2) {
    return { name: first, fn: second as Body };
  }
  if (typeof first === "object" && first !== null && args.length === 1) {
    const { name, fn, ignore, ...others } = first as Record<string, unknown>;
    if (typeof name === "string" && typeof fn === "function" && Object.keys(others).length === 0) {
      return { name, fn: fn as Body, ignore: ignore === true };
    }
  }
  throw new TypeError(
    "a test is registered in a way that tests/helpers/together.ts does not know; use " +
      "Deno.test(name, fn) or Deno.test({ name, ignore, fn })",
  );
}

/** Imports a test file, and collects its tests and hooks instead of registering them. */
async function collect(file: string): Promise<FileTests> {
  const found: FileTests = {
    tests: [],
    beforeAll: [],
    beforeEach: [],
    afterEach: [],
    afterAll: [],
  };
  const own = Deno.test;
  const registering = Object.assign((...args: unknown[]) => void found.tests.push(foundIn(args)), {
    beforeAll: (hook: Hook) => void found.beforeAll.push(hook),
    beforeEach: (hook: Hook) => void found.beforeEach.push(hook),
    afterEach: (hook: Hook) => void found.afterEach.unshift(hook),
    afterAll: (hook: Hook) => void found.afterAll.unshift(hook),
  });
  const deno = Deno as { test: unknown };
  deno.test = registering;
  try {
    await import(file);
  } finally {
    deno.test = own;
  }
  return found;
}

async function runHooks(hooks: readonly Hook[]): Promise<void> {
  for (const hook of hooks) await hook();
}

/** Makes one test of those that a file registers: with its hooks, those of the whole file where it is the first or the last. */
function withHooks(file: FileTests): (test: Found) => Body {
  const last = file.tests.findLast(({ ignore }) => !ignore);
  let ready: Promise<void> | undefined;
  return (test) => async (context) => {
    try {
      await (ready ??= runHooks(file.beforeAll));
      await runHooks(file.beforeEach);
      try {
        await test.fn(context);
      } finally {
        await runHooks(file.afterEach);
      }
    } finally {
      if (test === last) await runHooks(file.afterAll);
    }
  };
}

/**
 * Registers the tests of `files`, whose paths are below `root` (a URL). What one file has started is gone when the next
 * begins; where its beforeAll fails, each of its tests does.
 */
export async function runTogether(root: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const found = await collect(new URL(file, root).href);
    const body = withHooks(found);
    for (const test of found.tests) {
      const { name, ignore = false } = test;
      Deno.test({ name: `${file}: ${name}`, ignore, fn: body(test) });
    }
  }
}
