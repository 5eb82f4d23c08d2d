import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";
import denoConfig from "../../deno.json" with { type: "json" };
import { settings } from "../../config/settings.ts";
import { promtool, testWith } from "../helpers/skip.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");

/** Fails for names of settings that Holdfast does not have. */
function assertSettings(text: string): void {
  const known = new Set(Object.keys(settings));
  const own = ["HOLDFAST_PASSWORD"];
  const named = text.match(/\bHOLDFAST_[A-Z0-9_]+\b/g) ?? [];
  const unknown = named.filter((name) => !known.has(name) && !own.includes(name));
  assert.deepEqual(unknown, []);
}

interface Probe {
  httpGet: { path: string; port: string };
}

interface Container {
  image: string;
  env: { name: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[];
  ports: { name: string; containerPort: number }[];
  startupProbe: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  securityContext: Record<string, unknown>;
  volumeMounts: { name: string; mountPath: string }[];
}

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown> & { selector?: { matchLabels?: Record<string, string> } };
}

const manifests = () =>
  parseAllDocuments(read("deploy/kubernetes/holdfast.yaml")).map((document) => {
    assert.deepEqual(document.errors, []);
    return document.toJS() as Manifest;
  });

Deno.test("the manifests of Kubernetes are of known kinds and belong together", () => {
  const all = manifests();
  assert.deepEqual(all.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`), [
    "v1 ServiceAccount",
    "v1 Service",
    "policy/v1 PodDisruptionBudget",
    "networking.k8s.io/v1 NetworkPolicy",
    "apps/v1 Deployment",
  ]);
  assert.ok(all.every(({ metadata }) => metadata.name === "holdfast"));
  const deployment = all.at(-1)!;
  const spec = deployment.spec as Manifest["spec"] & {
    replicas: number;
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        securityContext: { runAsNonRoot: boolean };
        containers: Container[];
        volumes: { name: string }[];
      };
    };
  };
  const { template } = spec;
  assert.equal(spec.replicas, 2);
  assert.deepEqual(spec.selector?.matchLabels, template.metadata.labels);
  const service = all[1]!.spec.selector as Record<string, string>;
  assert.deepEqual(service, template.metadata.labels);
  assert.deepEqual(all[2]!.spec.selector?.matchLabels, template.metadata.labels);
  const [container] = template.spec.containers;
  assert.ok(container);
  for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
    assert.ok(container.ports.some(({ name }) => name === probe.httpGet.port));
    assert.ok(read("openapi.yaml").includes(`  ${probe.httpGet.path}:`), probe.httpGet.path);
  }
  assert.equal(template.spec.securityContext.runAsNonRoot, true);
  assert.equal(container.securityContext.readOnlyRootFilesystem, true);
  assert.equal(container.image.split(":")[1], denoConfig.version);
  const volumes = template.spec.volumes.map(({ name }) => name).sort();
  assert.deepEqual(container.volumeMounts.map(({ name }) => name).sort(), volumes);
  const secrets = container.env.filter(({ valueFrom }) => valueFrom?.secretKeyRef);
  assert.deepEqual(secrets.map(({ name }) => name), [
    "DATABASE_URL",
    "HOLDFAST_TOKEN",
    "HOLDFAST_READ_TOKEN",
  ]);
  assertSettings(read("deploy/kubernetes/holdfast.yaml"));
});

Deno.test("the compose file names files that exist, and no service writes to the image", () => {
  const compose = parse(read("deploy/compose/compose.yaml")) as {
    services: Record<string, { volumes?: string[]; read_only?: boolean; image?: string }>;
    volumes: Record<string, null>;
    secrets: Record<string, { environment: string }>;
  };
  assert.deepEqual(Object.keys(compose.services), [
    "postgres",
    "holdfast",
    "prometheus",
    "alertmanager",
    "grafana",
  ]);
  for (const [name, { volumes = [], image }] of Object.entries(compose.services)) {
    assert.ok(image === undefined || /:[v\d]/.test(image), `${name} has a version`);
    for (const volume of volumes) {
      const [from = ""] = volume.split(":");
      const known = from.startsWith(".")
        ? existsSync(new URL(`deploy/compose/${from}`, root))
        : from in compose.volumes;
      assert.ok(known, `${name}: ${volume}`);
    }
  }
  assert.equal(compose.services.holdfast?.read_only, true);
  const text = read("deploy/compose/compose.yaml");
  const example = read("deploy/compose/.env.example");
  for (const [, name] of text.matchAll(/\$\{([A-Z_]+)/g)) {
    assert.match(example, new RegExp(`^${name}=`, "m"));
  }
  assertSettings(text);
  const datasource = parse(read("deploy/compose/grafana/datasource.yaml"));
  assert.equal(datasource.datasources[0].type, "prometheus");
  const dashboards = parse(read("deploy/compose/grafana/dashboards.yaml"));
  assert.ok(text.includes(`:${dashboards.providers[0].options.path}/`));
});

testWith(promtool, "Prometheus reads the configuration of the compose file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const config = read("deploy/compose/prometheus.yml")
      .replace(
        "/etc/prometheus/holdfast-rules.yml",
        new URL("docs/prometheus-rules.yml", root).pathname,
      )
      .replace("/run/secrets/holdfast_read_token", `${folder}/token`);
    await Deno.writeTextFile(`${folder}/token`, "x");
    await Deno.writeTextFile(`${folder}/prometheus.yml`, config);
    const { code, stdout, stderr } = await new Deno.Command(promtool.bin, {
      args: ["check", "config", `${folder}/prometheus.yml`],
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(code, 0, said);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the image is built in two stages from pinned versions and runs without root", () => {
  const text = read("deploy/container/Dockerfile");
  const lines = text.split("\n").filter((line) => /^[A-Z]+ /.test(line));
  const stages = lines.filter((line) => line.startsWith("FROM "));
  assert.equal(stages.length, 2);
  assert.ok(stages.every((line) => /:[\w.]*\w/.test(line) && !line.includes(":latest")));
  assert.match(text, /^USER 10001:0$/m);
  assert.match(text, /^HEALTHCHECK /m);
  assert.ok(lines.every((line) => !line.startsWith("ADD ")));
  assert.match(text, /^CMD \["deno", "task", "serve"\]$/m);
  const [, named] = /"(deploy\/[^"]+)"/.exec(text) ?? [];
  assert.ok(named && existsSync(new URL(named, root)));
  assertSettings(text);
  // The pinned Deno is that of the gate and of the npm package.
  const [, deno] = /deno@(\S+)/.exec(text) ?? [];
  assert.ok(read(".ci/run").includes(`deno@${deno}`));
  assert.ok(read("tools/npm_package.ts").includes(`"${deno}"`));
});

testWith(
  { what: "systemd-analyze", present: existsSync("/usr/bin/systemd-analyze") },
  "the unit of systemd is exposed by at most 3",
  async () => {
    const unit = new URL("deploy/systemd/holdfast.service", root).pathname;
    const { stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["security", "--offline=true", "--no-pager", "--threshold=30", unit],
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stdout);
    const [, level] = /Overall exposure level for holdfast\.service: ([\d.]+)/.exec(said) ?? [];
    assert.ok(Number(level) <= 3, said + new TextDecoder().decode(stderr));
    assertSettings(read("deploy/systemd/holdfast.service"));
  },
);

Deno.test("the npm package holds what the program imports, and starts the Deno that it depends on", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-P=tools", "tools/npm_package.ts", `${folder}/package`],
      cwd: root,
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const made = JSON.parse(await Deno.readTextFile(`${folder}/package/package.json`));
    assert.equal(made.version, denoConfig.version);
    assert.ok(existsSync(`${folder}/package/${made.bin.holdfast}`));
    const graph = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "main.ts"],
      cwd: root,
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(graph.stdout)) as {
      modules: { specifier: string }[];
    };
    const missing = modules.map(({ specifier }) => specifier)
      .filter((one) => one.startsWith(root.href) && !one.includes("/node_modules/"))
      .map((one) => one.slice(root.href.length))
      .filter((path) => !existsSync(`${folder}/package/app/${path}`));
    assert.ok(modules.length > 100);
    assert.deepEqual(missing, []);
    assert.ok(readdirSync(`${folder}/package/app/web`).includes("index.html"));
    assert.ok(!existsSync(`${folder}/package/app/tests`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
