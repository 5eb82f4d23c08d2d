import { Buffer } from "node:buffer";
import type { Package } from "./packages.ts";

const purl = ({ name, version }: { name: string; version: string }) =>
  `pkg:npm/${name.replace("@", "%40")}@${version}`;

const algorithms: Record<string, string> = { sha512: "SHA-512", sha1: "SHA-1", sha256: "SHA-256" };

function hashesOf(integrity: string | undefined) {
  const [algorithm = "", digest = ""] = integrity?.split("-", 2) ?? [];
  const alg = algorithms[algorithm];
  return alg ? [{ alg, content: Buffer.from(digest, "base64").toString("hex") }] : [];
}

function licencesOf(licence: string | undefined) {
  if (licence === undefined) return [];
  return [/[ (]/.test(licence) ? { expression: licence } : { license: { id: licence } }];
}

/** Returns a CycloneDX 1.6 bill of materials: Holdfast, and the packages of its deno.lock with licences and digests. */
export function billOfMaterials(
  packages: readonly Package[],
  { version, licence, at }: { version: string; licence: string; at: Date },
) {
  const self = `pkg:npm/holdfast@${version}`;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: at.toISOString(),
      component: {
        type: "application",
        "bom-ref": self,
        name: "holdfast",
        version,
        licenses: licencesOf(licence),
        purl: self,
      },
    },
    components: packages.map((one) => ({
      type: "library",
      "bom-ref": purl(one),
      name: one.name,
      version: one.version,
      scope: one.isServed ? "required" : "excluded",
      hashes: hashesOf(one.integrity),
      licenses: licencesOf(one.licence),
      purl: purl(one),
    })),
    dependencies: [
      {
        ref: self,
        dependsOn: packages.filter(({ isDirect }) => isDirect).map(purl),
      },
      ...packages.map((one) => ({
        ref: purl(one),
        dependsOn: one.needs.map((need) => {
          const at = need.lastIndexOf("@");
          return purl({ name: need.slice(0, at), version: need.slice(at + 1) });
        }),
      })),
    ],
  };
}
