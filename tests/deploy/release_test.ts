import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import denoConfig from "../../deno.json" with { type: "json" };
import clientPackage from "../../client/package.json" with { type: "json" };
import { billOfMaterials } from "../../tools/release/bom.ts";
import { licenceProblems } from "../../tools/release/licences.ts";
import { type Package, readPackages, toolsOnly } from "../../tools/release/packages.ts";

const root = new URL("../../", import.meta.url);
const packages = readPackages(root.pathname);

const example: Package = {
  name: "one",
  version: "1.0.0",
  licence: "MIT",
  integrity: undefined,
  needs: [],
  isDirect: true,
  isServed: true,
};

Deno.test("every package that is pinned has a licence that is allowed", () => {
  assert.deepEqual(licenceProblems(packages), []);
  assert.ok(packages.length > 50);
});

Deno.test("a package with another licence, or none, is named", () => {
  assert.deepEqual(
    licenceProblems([
      { ...example, licence: "AGPL-3.0-only" },
      { ...example, licence: undefined },
      { ...example, licence: "MPL-2.0" },
      { ...example, licence: "MPL-2.0", isServed: false },
      example,
    ]),
    [
      "one 1.0.0 has the licence AGPL-3.0-only, which nobody has allowed yet",
      "one 1.0.0 states no licence",
      "one 1.0.0 has the licence MPL-2.0, which nobody has allowed yet",
    ],
  );
});

Deno.test("the list of packages for tools and tests names packages of deno.json that no served code imports", () => {
  const imports: Record<string, string> = denoConfig.imports;
  assert.deepEqual(toolsOnly.filter((name) => !(name in imports)), []);
  const direct = packages.filter(({ isDirect }) => isDirect).map(({ name }) => name);
  assert.deepEqual(direct.toSorted(), Object.keys(imports).toSorted());
});

Deno.test("the bill of materials follows the schema of CycloneDX 1.6, and names every package with its digest", () => {
  const schema = (name: string) =>
    JSON.parse(
      readFileSync(
        new URL(`node_modules/@cyclonedx/cyclonedx-library/res/schema/${name}`, root),
        "utf8",
      ),
    );
  const ajv = new Ajv({ strict: false, validateFormats: true });
  addFormats.default(ajv);
  ajv.addFormat("iri-reference", true).addFormat("idn-email", true);
  const parts = ["spdx", "jsf-0.82", "cryptography-defs"];
  for (const part of parts) {
    const name = `${part}.SNAPSHOT.schema.json`;
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}`);
  }
  const validate = ajv.compile(schema("bom-1.6.SNAPSHOT.schema.json"));
  const { version, license: licence } = denoConfig;
  const bom = billOfMaterials(packages, { version, licence, at: new Date(0) });
  assert.ok(validate(bom), JSON.stringify(validate.errors));
  assert.ok(!validate({ ...bom, specVersion: 3 }));
  assert.ok(bom.components.every(({ hashes }) => hashes.length === 1));
  const refs = new Set(bom.components.map((component) => component["bom-ref"]));
  assert.equal(refs.size, packages.length);
  assert.ok(bom.dependencies.every(({ dependsOn }) => dependsOn.every((ref) => refs.has(ref))));
});

Deno.test("the version stands in deno.json, and all else that has one agrees", () => {
  const { version } = denoConfig;
  assert.equal(clientPackage.version, version);
  const read = (path: string) => readFileSync(new URL(path, root), "utf8");
  assert.equal(/^## (\d+\.\d+\.\d+)/m.exec(read("CHANGELOG.md"))?.[1], version);
  assert.equal(/^ {2}version: (\S+)$/m.exec(read("openapi.yaml"))?.[1], version);
});

Deno.test("no package may run a script when it is installed", () => {
  assert.ok(!("allowScripts" in denoConfig));
});
