import { readFileSync } from "node:fs";
import htm from "htm";
import { wrapModule } from "../../routes/pages/bundle.ts";
import { manualTimers } from "./timers.ts";

type Exports = Record<string, unknown>;

const sourceOf = (name: string) =>
  readFileSync(new URL(`../../web/${name}`, import.meta.url), "utf8");

/**
 * Loads a module of web/ with all it imports, as the browser gets it, each call anew. `given` stands in for some of the
 * modules, `globals` for what a browser has, such as `document`. Returns its exports.
 */
export function loadPageModule<T>(
  name: string,
  { given = {}, globals = {} }: { given?: Record<string, Exports>; globals?: Exports } = {},
): T {
  const code: string[] = [];
  const known = new Set(Object.keys(given));
  const visit = (module: string): void => {
    if (known.has(module)) return;
    known.add(module);
    const wrapped = wrapModule(module, sourceOf(module), (asset) => asset);
    wrapped.imports.forEach(visit);
    code.push(wrapped.code);
  };
  visit(name);
  const run = new Function(...Object.keys(globals), "modules", `${code.join("")}return modules;`);
  return run(...Object.values(globals), { ...given })[name];
}

/** A browser's clock and timers, as globals of a module, whose time passes only when `pass` is called. Begins at `start`. */
export function createPageTime(start: string) {
  const { timers, pass, settled } = manualTimers();
  const cancels = new Map<number, () => void>();
  let last = 0;
  const repeat = (id: number, work: () => void, ms: number): void => {
    cancels.set(
      id,
      timers.after(ms, () => {
        repeat(id, work, ms);
        work();
      }),
    );
  };
  const now = () => Date.parse(start) + timers.nowMs();
  return {
    pass,
    settled,
    now,
    globals: {
      setTimeout(work: () => void, ms = 0): number {
        cancels.set(++last, timers.after(ms, work));
        return last;
      },
      setInterval(work: () => void, ms: number): number {
        repeat(++last, work, ms);
        return last;
      },
      clearTimeout: (id: number) => cancels.get(id)?.(),
      Date: class extends Date {
        static override now = now;
      },
    },
  };
}

/** A part of a page as its template describes it. */
export interface Node {
  type: unknown;
  props: Record<string, unknown>;
  children: unknown[];
}

/** Returns all nodes in what a component returned, also those in properties such as the tools of a panel. */
export function nodesOf(drawn: unknown): Node[] {
  if (Array.isArray(drawn)) return drawn.flatMap(nodesOf);
  if (drawn === null || typeof drawn !== "object" || !("children" in drawn)) return [];
  const node = drawn as Node;
  return [node, ...Object.values(node.props).flatMap(nodesOf), ...node.children.flatMap(nodesOf)];
}

/** Returns the text in what a component returned. */
export function textOf(drawn: unknown): string {
  if (Array.isArray(drawn)) return drawn.map(textOf).join("");
  if (typeof drawn === "string" || typeof drawn === "number") return String(drawn);
  return drawn !== null && typeof drawn === "object" && "children" in drawn
    ? textOf(drawn.children)
    : "";
}

type Create = (
  type: unknown,
  props: Record<string, unknown> | null,
  ...children: unknown[]
) => Node;
/** Its types are those of a module of another kind. */
const bindHtm = (create: Create): unknown =>
  (htm as unknown as { bind(create: Create): unknown }).bind(create);

type Effect = { deps: readonly unknown[]; undo?: unknown };
type Setter = (next: unknown) => void;

/** The hooks of one component, without a screen: effects run when `paint` is called, as after a browser has drawn. */
export function createHooks() {
  let slots: unknown[] = [];
  let at = 0;
  let effects: (() => void)[] = [];
  let isDirty = false;
  const slot = <T>(make: () => T): [number, T] => {
    const index = at++;
    if (!(index in slots)) slots[index] = make();
    return [index, slots[index] as T];
  };
  const changed = (before: readonly unknown[] | undefined, deps: readonly unknown[]) =>
    before === undefined || deps.some((one, n) => !Object.is(one, before[n]));
  const view = {
    html: bindHtm((type, props, ...children) => ({ type, props: props ?? {}, children })),
    useState(initial: unknown): [unknown, Setter] {
      const [index, value] = slot(() => typeof initial === "function" ? initial() : initial);
      return [value, (next) => {
        slots[index] = typeof next === "function" ? next(slots[index]) : next;
        isDirty = true;
      }];
    },
    useRef: (current: unknown) => slot(() => ({ current }))[1],
    useMemo(make: () => unknown, deps: readonly unknown[]) {
      const [index, kept] = slot(() => ({ deps, value: make() }));
      if (changed(kept.deps, deps)) slots[index] = { deps, value: make() };
      return (slots[index] as { value: unknown }).value;
    },
    useEffect(run: () => unknown, deps: readonly unknown[]) {
      const index = at++;
      if (!changed((slots[index] as Effect | undefined)?.deps, deps)) return;
      const before = slots[index] as Effect | undefined;
      const next: Effect = { deps };
      slots[index] = next;
      effects.push(() => {
        if (typeof before?.undo === "function") before.undo();
        next.undo = run();
      });
    },
  };
  return {
    view,
    /** Renders `component`, again while it changes its own state. Returns what it returned last. */
    render<T>(component: () => T): T {
      let found: T;
      do {
        isDirty = false;
        at = 0;
        found = component();
      } while (isDirty);
      return found;
    },
    /** Runs the effects of what was rendered. */
    paint(): void {
      const due = effects;
      effects = [];
      for (const effect of due) effect();
    },
    /** Whether something asked to be rendered again. */
    isDirty: () => isDirty,
    unmount(): void {
      for (const one of slots as (Effect | undefined)[]) {
        if (typeof one?.undo === "function") one.undo();
      }
      slots = [];
    },
  };
}
