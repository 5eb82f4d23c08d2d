import assert from "node:assert/strict";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { embeddedPassword, embeddedUrl } from "./embedded_url.ts";
import { startApp, type TestApp } from "./test_app.ts";
import { fillDataDir } from "./template.ts";

/** One server, and any number of Holdfasts on it. */
export interface SharedServer {
  start(name: string, env?: Record<string, string>): Promise<TestApp>;
  end(app: TestApp): Promise<void>;
  /** Where a Holdfast finds it. */
  url: string;
  directory: string;
  /** The superuser's, for whoever reaches it another way. */
  password: string;
  stop(): Promise<void>;
}

export async function startSharedServer(): Promise<SharedServer> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-shared-" });
  await Deno.chmod(folder, 0o755);
  await fillDataDir(folder);
  const server = await createEmbeddedServer({
    dataDir: folder,
    log: createLogger({ level: "error", write: () => {} }),
  });
  await server.start();
  assert.ok(server.target.kind === "socket");
  const { directory } = server.target;
  const url = embeddedUrl(server.target);
  const apps = new Set<TestApp>();
  const end = async (app: TestApp) => {
    apps.delete(app);
    await app.stop();
  };
  return {
    url,
    directory,
    password: embeddedPassword(server.target),
    async start(name, env = {}) {
      const app = await startApp({ DATABASE_URL: url, HOLDFAST_INSTANCE: name, ...env });
      apps.add(app);
      return app;
    },
    end,
    async stop() {
      for (const app of [...apps]) await end(app);
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
