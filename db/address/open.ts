import { lookup } from "node:dns/promises";
import { isIP, type Socket } from "node:net";
import { messageOf, StartError } from "../../errors.ts";
import { sqlState } from "../sql_state.ts";
import { type Address, type Host, hostLabel, type SessionAttrs } from "./address.ts";
import { type Attempt, attempt, fail, within } from "./attempt.ts";
import { mismatch, roleOf } from "./attrs.ts";
import { login, openWire } from "./login.ts";

/** Code of the error for a server that is there and not of the kind that target_session_attrs asks for. */
export const wrongRole = "TARGET_SESSION_ATTRS";

/** What is known of the hosts of one address, kept between connections. */
export interface HostMemory {
  /** Until when a host that did not answer is tried last; milliseconds of performance.now(). */
  downUntil: Map<Host["name"], number>;
  /** When an address of a host did not answer in time, by host and address; milliseconds of performance.now(). */
  silentAt: Map<Host["name"], Map<string, number>>;
  /** Whether a host takes this role with TLS (`allow` and `prefer` try both), and until when that is believed. */
  encryption: Map<Host["name"], { tls: boolean; until: number }>;
}

export const createHostMemory = (): HostMemory => ({
  downUntil: new Map(),
  silentAt: new Map(),
  encryption: new Map(),
});

const downMs = 30_000;
const believedMs = 300_000;
/** An attempt that is given up after this long counts as a host that does not answer. */
const slowMs = 1_000;

export interface OpenOptions {
  /** Longest for each address, TLS included. */
  timeoutMs: number;
  memory: HostMemory;
  signal: AbortSignal;
  /** Returns the addresses of a name, in the order to try them; the system's resolver when left out. */
  resolve?: (name: string) => Promise<string[]>;
}

const resolveName = async (name: string) =>
  (await lookup(name, { all: true })).map(({ address }) => address);

const codeOf = (error: unknown) => String((error as { code?: unknown } | null)?.code ?? "");

/** Logs in once to learn whether the server takes the role this way, and whether it is of the kind asked for. */
async function probe(
  address: Address,
  at: Attempt,
  attrs: SessionAttrs,
  signal: AbortSignal,
): Promise<boolean> {
  const { socket, encrypted } = await attempt(address, at, signal);
  // A server that takes the connection and says nothing would otherwise keep it, and the wait for it, for ever.
  const abort = () => socket.destroy();
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    const { user, database, options } = address;
    const startup = {
      user,
      database,
      application_name: "holdfast",
      ...(options ? { options } : {}),
    };
    const wire = openWire(socket, signal);
    const reported = await login(wire, { password: at.host.password ?? "", startup });
    wire.send("X", new Uint8Array());
    const problem = mismatch(attrs, roleOf(reported));
    if (problem === undefined) return encrypted;
    throw fail(
      wrongRole,
      `${hostLabel(at.host)} ${problem}, and target_session_attrs is ${address.attrs}`,
    );
  } finally {
    signal.removeEventListener("abort", abort);
    socket.on("error", () => {});
    socket.destroy();
  }
}

/** The ways to try, in order: whether with TLS. */
function waysOf({ tls, hosts }: Address, memory: HostMemory, host: Host): boolean[] {
  if (host.socket || tls.mode === "disable") return [false];
  const known = memory.encryption.get(hostLabel(host));
  const certain = known && known.until > performance.now() && hosts.length === 1;
  if (tls.mode === "allow") return certain ? [known.tls] : [false, true];
  if (tls.mode === "prefer") return certain ? [known.tls] : [true, false];
  return [true];
}

/** Returns the more specific of two failures; "no pg_hba.conf entry" is the less specific. */
const moreSpecific = (first: unknown, second: unknown) =>
  first === undefined || codeOf(first) === sqlState.invalidAuthorizationSpecification
    ? second
    : first;

/** Says whether the other way, with TLS or without, may still do. */
const mayTryOther = (error: unknown, tls: boolean) =>
  !(error instanceof StartError) &&
  (codeOf(error).startsWith("28") ||
    (tls &&
      !/^E(CONN|HOST|NET|TIMED)|^CONNECT|^NOT_POSTGRES|^[0-9A-Z]{5}$|^TARGET/.test(codeOf(error))));

/**
 * Opens a socket one way, after a trial where a socket alone does not show whether the server will do: for its role, and
 * for pg_hba.conf where sslmode leaves two ways.
 */
async function openWay(
  address: Address,
  way: Attempt,
  { attrs, memory, signal }: { attrs: SessionAttrs; memory: HostMemory; signal: AbortSignal },
): Promise<Socket> {
  const { mode } = address.tls;
  const { host } = way;
  const prove = async () => {
    const tls = await probe(address, way, attrs, signal);
    memory.encryption.set(hostLabel(host), { tls, until: performance.now() + believedMs });
  };
  const known = memory.encryption.get(hostLabel(host));
  const proven = known?.tls === way.tls && known.until > performance.now();
  const chooses = !host.socket && (mode === "allow" || mode === "prefer") && !proven;
  const checked = address.hosts.length > 1 || attrs !== "any" || (chooses && mode === "allow") ||
    (chooses && !way.tls);
  if (checked) await prove();
  const { socket, encrypted } = await attempt(address, way, signal);
  try {
    // A server without TLS leaves no choice.
    if (chooses && !checked && encrypted) await prove();
    signal.throwIfAborted();
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function openAt(
  address: Address,
  host: Host,
  at: string,
  { attrs, options }: { attrs: SessionAttrs; options: OpenOptions },
): Promise<Socket> {
  const { memory } = options;
  const ways = waysOf(address, memory, host);
  let failure: unknown;
  for (const tls of ways) {
    try {
      return await within(
        options,
        host,
        (signal) => openWay(address, { host, at, tls }, { attrs, memory, signal }),
      );
    } catch (error) {
      failure = moreSpecific(failure, error);
      if (options.signal.aborted || !mayTryOther(error, tls)) break;
    }
  }
  throw failure;
}

async function addressesOf(host: Host, options: OpenOptions): Promise<string[]> {
  if (host.socket) return [host.socket];
  const name = host.address ?? host.name;
  if (isIP(name) !== 0) return [name];
  const { resolve = resolveName, memory } = options;
  const found = await within(options, host, () => resolve(name));
  const known = memory.silentAt.get(hostLabel(host));
  if (!known) return found;
  // Those that the name no longer leads to are forgotten.
  for (const at of known.keys()) if (!found.includes(at)) known.delete(at);
  return found.toSorted((a, b) => (known.get(a) ?? 0) - (known.get(b) ?? 0));
}

/**
 * Remembers whether an address answered. One that did not is tried last until it does: a caller that gives up before the
 * connect timeout would otherwise never come to the addresses behind it. The latest comes last, so that each is tried.
 */
function noteAddress(
  { silentAt }: HostMemory,
  host: Host,
  { at, silent }: { at: string; silent: boolean },
): void {
  const known = silentAt.get(hostLabel(host)) ?? new Map<string, number>();
  if (silent) silentAt.set(hostLabel(host), known.set(at, performance.now()));
  else known.delete(at);
}

async function openHost(
  address: Address,
  host: Host,
  rest: { attrs: SessionAttrs; options: OpenOptions },
): Promise<Socket> {
  const started = performance.now();
  const { memory } = rest.options;
  const { downUntil } = memory;
  let failure: unknown;
  try {
    for (const at of await addressesOf(host, rest.options)) {
      const begun = performance.now();
      try {
        const socket = await openAt(address, host, at, rest);
        downUntil.delete(hostLabel(host));
        noteAddress(memory, host, { at, silent: false });
        return socket;
      } catch (error) {
        const answered = isServers(error) || codeOf(error) === wrongRole;
        const late = codeOf(error) === "CONNECT_TIMEOUT" || performance.now() - begun > slowMs;
        if (answered || late) noteAddress(memory, host, { at, silent: !answered });
        // What a server says outweighs that another address of the host, such as its IPv6, is closed.
        if (failure === undefined || isNetworks(failure)) failure = error;
        if (rest.options.signal.aborted || isServers(error)) throw error;
      }
    }
  } catch (error) {
    failure ??= error;
  }
  const silent = !isServers(failure) && codeOf(failure) !== wrongRole;
  // A caller that gives up soon would otherwise try the same silent host for ever.
  if (silent && (!rest.options.signal.aborted || performance.now() - started > slowMs)) {
    downUntil.set(hostLabel(host), performance.now() + downMs);
  }
  throw failure;
}

/** Says whether a server has answered with an error of its own: another address of it would say the same. */
const isServers = (error: unknown) => /^(?!E)[0-9A-Z]{5}$/.test(codeOf(error));
const isNetworks = (error: unknown) => /^E[A-Z]+$/.test(codeOf(error));
/** After these another host is asked; after other errors of a server, as a wrong password, none is. */
const elsewhere = new Set([
  sqlState.cannotConnectNow,
  sqlState.adminShutdown,
  sqlState.crashShutdown,
]);

function orderOf({ hosts, balance }: Address, { downUntil }: HostMemory): Host[] {
  const order = hosts.map((host) => {
    const until = downUntil.get(hostLabel(host)) ?? 0;
    return {
      host,
      // The latest to fail comes last, so that each is tried.
      down: until > performance.now() ? until : 0,
      draw: balance ? Math.random() : 0,
    };
  });
  return order.toSorted((a, b) => a.down - b.down || a.draw - b.draw).map(({ host }) => host);
}

function summed(failures: { host: Host; error: unknown }[]): unknown {
  const [first] = failures;
  if (!first || failures.length === 1) return first?.error;
  const message = failures.map(({ host, error }) => `${hostLabel(host)}: ${messageOf(error)}`)
    .join("; ");
  // One that may pass decides: the rest is worth another try as long as it may.
  const passing = failures.find(({ error }) =>
    /^E(?!NOTFOUND|RR_)|^57|^CONNECT|^TARGET/.test(codeOf(error))
  );
  const { error } = passing ?? first;
  const { severity } = error as { severity?: unknown };
  return Object.assign(new Error(message), {
    code: codeOf(error),
    ...(severity === undefined ? {} : { severity }),
  });
}

/**
 * Opens a socket to the first host of `address` that answers and is of the kind that target_session_attrs asks for, with
 * TLS where sslmode says so: ready for a startup message. Rejects with the error of the only host or, for several, one
 * that names each; `code` is a SQLSTATE, a system's code or one of those exported here.
 */
export async function openServer(
  address: Address,
  options: OpenOptions,
): Promise<{ socket: Socket; host: Host }> {
  const rounds: SessionAttrs[] = address.attrs === "prefer-standby"
    ? ["standby", "any"]
    : [address.attrs];
  let failures: { host: Host; error: unknown }[] = [];
  for (const attrs of rounds) {
    failures = [];
    for (const host of orderOf(address, options.memory)) {
      try {
        return { host, socket: await openHost(address, host, { attrs, options }) };
      } catch (error) {
        failures.push({ host, error });
        options.signal.throwIfAborted();
        if (isServers(error) && !elsewhere.has(codeOf(error))) throw error;
      }
    }
  }
  throw summed(failures);
}
