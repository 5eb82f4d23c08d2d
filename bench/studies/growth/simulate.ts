/**
 * A year of growth: on which day each rule would have fired, with the levels of a profile. Nothing is measured; the figures
 * of the first day are in model.ts, and any of them can be given.
 * `deno task simulate [--seed 1] [--ticksPerDay 60000000] [--profile production] …`
 */
import { buildRules } from "../../../services/alerts/rules/overrides.ts";
import { defaultGrowth, growMetrics, type Growth, simulateGrowth } from "./model.ts";

const profiles = ["development", "staging", "production"] as const;
const numbers = Object.entries(defaultGrowth).flatMap(([name, value]) =>
  typeof value === "number" ? [name as keyof Growth] : []
);

function refuse(message: string): never {
  console.error(message);
  Deno.exit(2);
}

/** Reads `--name number` and `--profile name`. */
function readArguments(args: readonly string[]) {
  const growth: Growth = { ...defaultGrowth };
  let profile: (typeof profiles)[number] = "production";
  for (let at = 0; at < args.length; at += 2) {
    const name = (args[at] ?? "").replace(/^--/, "");
    const given = args[at + 1] ?? "";
    if (name === "profile") {
      profile = profiles.find((one) => one === given) ??
        refuse(`--profile is ${JSON.stringify(given)}; allowed: ${profiles.join(", ")}`);
    } else if (numbers.includes(name as keyof Growth)) {
      const value = Number(given);
      if (given === "" || !Number.isFinite(value) || value < 0) {
        refuse(`--${name} is ${JSON.stringify(given)}; allowed: a number from 0`);
      }
      Object.assign(growth, { [name]: value });
    } else {
      refuse(`There is no parameter ${args[at]}; there are: --profile, --${numbers.join(", --")}`);
    }
  }
  if (growth.days < 1 || growth.days > 3_660) {
    refuse(`--days is ${growth.days}; allowed: 1 to 3660`);
  }
  return { growth, profile };
}

const { growth, profile } = readArguments(Deno.args);
const simulated = simulateGrowth(growth, buildRules(profile, []));
console.log(
  `${growth.days} days from ${growth.ticksPerDay.toLocaleString("en")} ticks a day, ${
    (growth.monthlyGrowth * 100).toFixed(0)
  } % more each 30 days; seed ${growth.seed}, levels of ${profile}. Computed, not measured.\n`,
);
console.log("| day | critical from day | times | rule | first message |");
console.log("| ---: | ---: | ---: | --- | --- |");
for (const { rule, warningDay, criticalDay, firings, firstMessage } of simulated) {
  if (warningDay === undefined) continue;
  console.log(
    `| ${warningDay} | ${criticalDay ?? "–"} | ${firings} | ${rule} | ${firstMessage} |`,
  );
}
const silent = simulated.filter(({ warningDay }) => warningDay === undefined);
if (silent.length > 0) {
  const series = growMetrics(growth);
  console.log("\nnever fired:");
  for (const { rule, metric } of silent) {
    const values = (series.get(metric) ?? []).map(({ value }) => value ?? NaN);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    console.log(`- ${rule} (${metric} from ${least.toPrecision(3)} to ${most.toPrecision(3)})`);
  }
}
