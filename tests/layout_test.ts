import assert from "node:assert/strict";
import { basename, dirname, extname } from "node:path";
import ts from "typescript";
import { sqlState } from "../db/sql_state.ts";
import {
  allFiles,
  pathOf,
  readSource,
  sourceFiles,
  webFiles,
  webModules,
} from "./helpers/source_tree.ts";

/**
 * A function fits a screen: 60 lines of its own. Lines of functions nested in it do not count, for they are read by
 * themselves; but a closure of 150 lines in all has more state than a reader can keep in mind: it becomes a small class or
 * an explicit state object. Files have no limit: one concept, one file.
 */
const ownLinesMax = 60;
const linesMax = 150;

/** A folder that does not fit a listing on one screen holds more than one concept. */
const folderFilesMax = 16;

/** Generated code. */
const generated = new Set(["client/schema.ts", "client/operations.ts"]);

const checked = sourceFiles.filter((file) => !generated.has(file));

/** The files whose folders and names are judged. */
const placed = [...allFiles, ...webFiles];

interface MeasuredFunction {
  name: string;
  lines: number;
  ownLines: number;
}

const parse = (file: string) =>
  ts.createSourceFile(file, readSource(file), ts.ScriptTarget.Latest, true);

const isFunction = (node: ts.Node): node is ts.FunctionLikeDeclaration =>
  ts.isFunctionLike(node) && "body" in node && node.body !== undefined;

function nameOf(node: ts.FunctionLikeDeclaration): string {
  const { name, parent } = node;
  if (name) return name.getText();
  if (ts.isConstructorDeclaration(node)) return "constructor";
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)
    ? parent.name.getText()
    : "anonymous";
}

function measureFunctions(file: string): MeasuredFunction[] {
  const source = parse(file);
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const found: MeasuredFunction[] = [];
  const spanOf = (node: ts.Node) => ({ from: lineOf(node.getStart()), to: lineOf(node.end) });

  /** Adds the lines of the outermost functions inside a node. */
  function addNested(node: ts.Node, lines: Set<number>): void {
    ts.forEachChild(node, (child) => {
      if (!isFunction(child)) return addNested(child, lines);
      const { from, to } = spanOf(child);
      for (let line = from; line <= to; line++) lines.add(line);
    });
  }

  function visit(node: ts.Node): void {
    if (isFunction(node)) {
      const { from, to } = spanOf(node);
      const nested = new Set<number>();
      addNested(node, nested);
      const lines = to - from + 1;
      found.push({ name: nameOf(node), lines, ownLines: lines - nested.size });
    }
    ts.forEachChild(node, visit);
  }
  visit(source);
  return found;
}

function isSql(node: ts.Node): boolean {
  if (ts.isTaggedTemplateExpression(node)) return !/^String\s*\.raw$/.test(node.tag.getText());
  return ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === "unsafe";
}

/** Counts the tagged templates and calls of `.unsafe(` in a file: the two ways to send SQL. */
function countSql(file: string): number {
  let count = 0;
  const visit = (node: ts.Node): void => {
    if (isSql(node)) count++;
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return count;
}

const states: ReadonlySet<string> = new Set(Object.values(sqlState));

/** Says whether a file writes an SQLSTATE as text. */
function writesSqlState(file: string): boolean {
  let found = false;
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) && states.has(node.text)) found = true;
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return found;
}

/**
 * The stem of a file's name: each of its words without the endings of plurals, participles and doers. Files whose names
 * differ by these alone (`rule` and `rules`, `take` and `taking`) cannot be told apart by a reader who looks for one.
 */
function stemOf(file: string): string {
  const words = basename(file, extname(file)).replace(/_test$/, "").split("_");
  return words.map((word) => {
    const short = word.replace(/(ies|y)$/, "i").replace(/(ings?|ers?|ors?|ed|es|s|e)$/, "");
    return short.length >= 3 ? short.replace(/(.)\1$/, "$1") : word;
  }).join("_");
}

/** What browsers have and Deno does not, as far as the pages use it. */
const browserGlobals = new Set([
  "Element",
  "ResizeObserver",
  "devicePixelRatio",
  "document",
  "getComputedStyle",
  "getSelection",
  "history",
  "matchMedia",
  "scrollTo",
]);

/** What the compiler calls a name that is not declared, and an import that does not exist, each with a suggestion too. */
const unknownNameCodes = new Set([2304, 2552]);
const noExportCodes = new Set([2305, 2724]);

/** Returns the names that modules of the pages use but neither declare nor import, and the imports that do not exist. */
function findUnknownNames(): string[] {
  const program = ts.createProgram(webModules.map(pathOf), {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    noLib: true,
    types: [],
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  });
  return webModules.flatMap((module) => {
    const source = program.getSourceFile(pathOf(module));
    return program.getSemanticDiagnostics(source).flatMap(({ code, start, length }) => {
      const name = source?.text.slice(start, (start ?? 0) + (length ?? 0)) ?? "";
      const known = name in globalThis || browserGlobals.has(name);
      const unknown = unknownNameCodes.has(code) && !known || noExportCodes.has(code);
      return unknown ? [`${module} ${name}`] : [];
    });
  });
}

function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    groups.set(key, [...(groups.get(key) ?? []), value]);
  }
  return groups;
}

Deno.test("a function has at most 60 lines of its own, and 150 with those nested in it", () => {
  const long = [...checked, ...webModules].flatMap((file) =>
    measureFunctions(file)
      .filter(({ lines, ownLines }) => lines > linesMax || ownLines > ownLinesMax)
      .map(({ name }) => `${file} ${name}`)
  );
  assert.deepEqual(long, []);
});

Deno.test("services hold no SQL: it is in db", () => {
  const found = checked.filter((file) => file.startsWith("services/") && countSql(file) > 0);
  assert.deepEqual(found, []);
});

Deno.test("an SQLSTATE is written by its name", () => {
  const found = checked.filter((file) =>
    /^(app|routes|services|db|bench)\//.test(file) && file !== "db/sql_state.ts" &&
    writesSqlState(file)
  );
  assert.deepEqual(found, []);
});

Deno.test("the pages use no name that is unknown", () => {
  assert.deepEqual(findUnknownNames(), []);
});

Deno.test("no two files of a folder share a stem", () => {
  // A page's document, style sheet and script have one name: files of one kind must differ.
  const place = (file: string) => `${dirname(file)}/${stemOf(file)}${extname(file)}`;
  const twins = [...groupBy(placed, place).values()]
    .filter((files) => files.length > 1)
    .map((files) => files.toSorted().join(" "));
  assert.deepEqual(twins, []);
});

Deno.test("a folder holds at most 16 files", () => {
  const free = (folder: string) => /^(tests(\/|$)|db\/migrations$)/.test(folder);
  const large = [...groupBy(placed, dirname)]
    .filter(([folder, files]) => !free(folder) && files.length > folderFilesMax)
    .map(([folder]) => folder);
  assert.deepEqual(large, []);
});
