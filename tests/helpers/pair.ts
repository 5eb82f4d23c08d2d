import assert from "node:assert/strict";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { embeddedPassword, embeddedUrl } from "./embedded_url.ts";
import { type House, startHouse } from "./house.ts";
import { fillDataDir } from "./template.ts";

/** One server, and any number of Holdfasts on it. */
export interface SharedServer {
  start(name: string, env?: Record<string, string>): Promise<House>;
  end(house: House): Promise<void>;
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
  const houses = new Set<House>();
  const end = async (house: House) => {
    houses.delete(house);
    await house.stop();
  };
  return {
    url,
    directory,
    password: embeddedPassword(server.target),
    async start(name, env = {}) {
      const house = await startHouse({ DATABASE_URL: url, HOLDFAST_INSTANCE: name, ...env });
      houses.add(house);
      return house;
    },
    end,
    async stop() {
      for (const house of [...houses]) await end(house);
      await server.stop();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
