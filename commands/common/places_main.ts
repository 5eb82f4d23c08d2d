import { readFileSync } from "node:fs";
import process from "node:process";
import denoConfig from "../../deno.json" with { type: "json" };
import { placesOf } from "./places.ts";

/**
 * Prints what `deno task serve` may "read" or "write", for Deno's options: what deno.json always allows, and the places that
 * the settings name. Deno's permissions are fixed before the first line of the program they hold for, so this one
 * runs before it.
 */
function main(): void {
  const wanted = process.argv[2] === "write" ? "write" : "read";
  const { serve } = denoConfig.permissions;
  let file: Record<string, unknown> = {};
  try {
    file = JSON.parse(readFileSync(process.env.HOLDFAST_CONFIG ?? "", "utf8"));
  } catch {
    // the start itself says what is wrong with it
  }
  console.log([...serve[wanted], ...placesOf(process.env, file)[wanted]].join(","));
}

if (import.meta.main) main();
