import { setTimeout as delay } from "node:timers/promises";
import { HoldfastError, type InputProblem, messageOf } from "../errors.ts";

/** Sends a request to Holdfast: over HTTP, or to the app in this process. */
export type Send = (path: string, init: RequestInit) => Promise<Response>;

/** An answer that is not worth asking for again: its status may still be a refusal. */
export interface Answered {
  status: number;
  text: string;
  /** How many times it had to be asked before. */
  retries: number;
}

/** Asks until Holdfast answers for good. */
export type Ask = (path: string, init?: RequestInit) => Promise<Answered>;

const passing = new Set([408, 409, 429, 500, 502, 503, 504, 507]);
const retryMs = 1_000;
const whyMax = 200;

/** The few words of a problem document that tell a person what is wrong. */
export function wordsOf(text: string): string {
  try {
    return String(JSON.parse(text).detail ?? text);
  } catch {
    return text.slice(0, 500);
  }
}

/** The faults in the input that a problem document names. */
export function problemsOf(text: string): InputProblem[] {
  try {
    return JSON.parse(text).errors ?? [];
  } catch {
    return [];
  }
}

/** Code and words of a problem document, on one line. */
function whyOf(status: number, text: string): string {
  let code = String(status);
  try {
    code = String(JSON.parse(text).code ?? status);
  } catch {
    // not a problem document: the status must do
  }
  return `${code}: ${wordsOf(text)}`.replaceAll(/\s+/g, " ").slice(0, whyMax);
}

/**
 * Makes an `Ask` that waits out what passes (a server not ready, overloaded, away) as long as it is told to, says why
 * it waits, and gives up after `tries`.
 */
export function createAsk({ send, signal, headers = {}, onWait = () => {}, tries, timeoutMs }: {
  send: Send;
  signal: AbortSignal;
  headers?: Record<string, string>;
  onWait?: (why: string) => void;
  tries: number;
  /** Longest wait for one answer. */
  timeoutMs: number;
}): Ask {
  return async (path, init = {}) => {
    let why = "";
    for (let retries = 0; retries < tries; retries++) {
      signal.throwIfAborted();
      let waitMs = retryMs;
      try {
        const response = await send(path, {
          ...init,
          headers: { ...headers, ...init.headers },
          signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        });
        const { status } = response;
        const text = await response.text();
        if (!passing.has(status)) return { status, text, retries };
        why = whyOf(status, text);
        const seconds = Number(response.headers.get("retry-after") ?? NaN);
        if (seconds >= 0) waitMs = seconds * 1_000;
      } catch (error) {
        signal.throwIfAborted();
        why = messageOf(error).slice(0, whyMax);
      }
      onWait(why);
      await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
    throw new HoldfastError("database_unavailable", `Gave up after ${tries} tries: ${why}`);
  };
}
