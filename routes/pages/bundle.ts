import { posix } from "node:path";

/** One file of the pages as the server sends it. */
export interface Chunk {
  name: string;
  code: string;
}

interface Module {
  name: string;
  /** Its text with imports and exports taken out. */
  body: string;
  code: string;
  imports: string[];
  /** The modules that it loads only when they are needed. */
  lazy: string[];
}

const importLine = /^import\s*([\w$]+)?\s*(?:\{([^}]*)\})?\s*from\s*"([^"]+)";?/gm;
const lazyImport = /\bimport\("([^"]+)"\)/g;
const exportList = /\bexport\s*\{([^}]*)\};?/g;
const exportDeclaration = /^export\s+((?:async\s+)?function\*?|const|class)\s+([\w$]+)/gm;

const pairs = (list: string) =>
  list.split(",").map((one) => one.trim()).filter(Boolean).map((one) => one.split(/\s+as\s+/));

/** Where `specifier` leads from module `from`; a bare name is a vendored module. */
function resolveName(from: string, specifier: string): string {
  return specifier.startsWith(".")
    ? posix.normalize(posix.join(posix.dirname(from), specifier))
    : `vendor/${specifier}.js`;
}

/**
 * Turns an ES module into a function that takes its imports from `modules` and leaves its exports there. It knows what
 * web/ and the vendored modules use: named and default imports, exported declarations and lists, one default export.
 * Bindings are not live: what is exported must not be assigned again.
 */
export function wrapModule(name: string, source: string, asset: (name: string) => string): Module {
  const imports: string[] = [];
  const lazy: string[] = [];
  const exported: string[] = [];
  const code = source
    .replace(/^\s*\/\/.*$/gm, "")
    .replace(importLine, (_line, whole, names, specifier) => {
      const from = resolveName(name, specifier);
      imports.push(from);
      const taken = [
        ...(whole ? [`default: ${whole}`] : []),
        ...pairs(names ?? "").map(([theirs, ours]) => ours ? `${theirs}: ${ours}` : theirs),
      ];
      return `const { ${taken.join(", ")} } = modules["${from}"];`;
    })
    .replace(lazyImport, (_call, specifier) => {
      const needed = resolveName(name, specifier);
      lazy.push(needed);
      return `import("${asset(needed)}")`;
    })
    .replace(exportList, (_list, names) => {
      for (const [ours = "", theirs] of pairs(names)) {
        exported.push(theirs ? `${theirs}: ${ours}` : ours);
      }
      return "";
    })
    .replace(exportDeclaration, (_line, kind, declared) => {
      exported.push(declared);
      return `${kind} ${declared}`;
    })
    .replace(/\bexport default /, () => {
      exported.push("default: whole");
      return "const whole = ";
    });
  if (/^(import|export)\b(?!\()/m.test(code)) throw new Error(`Cannot bundle ${name}`);
  return {
    name,
    imports,
    lazy,
    body: code.trim(),
    code: `modules["${name}"] = (() => {\n${code.trim()}\nreturn { ${
      exported.join(", ")
    } };\n})();\n`,
  };
}

/** The modules of `entries` and all they need, each once, what is needed first; a cycle is an error. */
function inOrder(entries: readonly string[], module: (name: string) => Module): Module[] {
  const done = new Map<string, Module>();
  const visit = (name: string, path: string[]): void => {
    if (path.includes(name)) throw new Error(`A cycle: ${[...path, name].join(" → ")}`);
    if (done.has(name)) return;
    const one = module(name);
    for (const needed of one.imports) visit(needed, [...path, name]);
    done.set(name, one);
  };
  for (const entry of entries) visit(entry, []);
  return [...done.values()];
}

/** The modules that more than half of the pages need. */
function neededByMost(pages: readonly Module[][]): string[] {
  const counts = new Map<string, number>();
  for (const { name } of pages.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1 && count > pages.length / 2)
    .map(([name]) => name);
}

/**
 * Joins the modules of web/ into few files: `entry` with all it imports and all that most pages need, and one chunk for
 * each page, a module that the entry loads when it is needed, with what the entry does not have. `read` answers a
 * module's source, `base` is the address the chunks are served under.
 */
export function bundle(
  { entry, read, base }: {
    entry: string;
    read: (name: string) => string;
    base: string;
  },
): Chunk[] {
  const known = new Map<string, Module>();
  const module = (name: string): Module => {
    const found = known.get(name) ?? wrapModule(name, read(name), (asset) => `${base}/${asset}`);
    known.set(name, found);
    return found;
  };
  const pages = inOrder([entry], module).flatMap(({ lazy }) => lazy)
    .filter((name) => !name.startsWith("vendor/"))
    .map((name) => ({ name, modules: inOrder([name], module) }));
  const common = neededByMost(pages.map(({ modules }) => modules));
  const shared = inOrder([...common, entry], module);
  const has = new Set(shared.map(({ name }) => name));
  // Nothing imports the entry: it stays unchanged, and may await something.
  const needed = shared.slice(0, -1).map(({ code }) => code).join("");
  const main = `export const modules = {};\n${needed}${shared.at(-1)?.body ?? ""}\n`;
  return [
    { name: entry, code: main },
    ...pages.map(({ name, modules }) => {
      const own = modules.filter((one) => !has.has(one.name));
      const code = own.map((one) => `if (!modules["${one.name}"]) ${one.code}`).join("");
      return {
        name,
        code:
          `import { modules } from "${base}/${entry}";\n${code}export const { Page } = modules["${name}"];\n`,
      };
    }),
  ];
}
