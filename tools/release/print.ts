import process from "node:process";
import denoConfig from "../../deno.json" with { type: "json" };
import { billOfMaterials } from "./bom.ts";
import { licenceProblems, licenceTable } from "./licences.ts";
import { readPackages } from "./packages.ts";

const packages = readPackages(new URL("../../", import.meta.url).pathname);
const { version, license: licence } = denoConfig;

switch (process.argv[2]) {
  case "sbom":
    console.log(
      JSON.stringify(billOfMaterials(packages, { version, licence, at: new Date() }), null, 2),
    );
    break;
  case "licences": {
    console.log(licenceTable(packages));
    const problems = licenceProblems(packages);
    for (const problem of problems) console.error(problem);
    process.exitCode = problems.length === 0 ? 0 : 1;
    break;
  }
  default:
    console.error("usage: deno task sbom, or deno task licences");
    process.exitCode = 2;
}
