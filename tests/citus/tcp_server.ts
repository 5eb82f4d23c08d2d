import postgres from "postgres";
import { freePort } from "../helpers/process.ts";
import { startServer } from "../helpers/server.ts";

/** Starts a bare server of the version under test that listens on loopback, with a connection to it. */
export async function startTcpServer() {
  const port = freePort();
  const server = await startServer({ listen_addresses: "127.0.0.1", port: String(port) });
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  return {
    url,
    sql,
    async stop() {
      await sql.end();
      await server.stop();
    },
  };
}
