import { readFileSync } from "node:fs";
import process from "node:process";
import denoConfig from "../../deno.json" with { type: "json" };
import { placesOf } from "./places.ts";

/**
 * Prints the paths that `deno task serve` may "read" or "write", for Deno's options: those that deno.json always allows, and
 * those that the settings name. Deno fixes permissions before a program starts, so this program runs first.
 */
function main(): void {
  const wanted = process.argv[2] === "write" ? "write" : "read";
  const { serve } = denoConfig.permissions;
  let file: Record<string, unknown> = {};
  try {
    file = JSON.parse(readFileSync(process.env.HOLDFAST_CONFIG ?? "", "utf8"));
  } catch {
    // the start reports the fault
  }
  console.log([...serve[wanted], ...placesOf(process.env, file)[wanted]].join(","));
}

if (import.meta.main) main();
