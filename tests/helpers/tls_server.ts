import { unprivilegedUser } from "../../db/embedded/command.ts";
import { connectSql } from "../../db/connection.ts";
import { createDebianServer, type DebianServer } from "./debian.ts";
import { eventually } from "./eventually.ts";

/** A server that takes TCP connections with TLS only; over its socket everybody may enter, with a password but `postgres`. */
export interface TlsServer extends DebianServer {
  sockets: string;
  /** Changes its certificate or its pg_hba.conf; connections from then on are taken by the new ones. */
  change(what: { cert?: string; key?: string; hba?: string[] }): Promise<void>;
}

/** Lines of pg_hba.conf for a server that takes no connection without TLS. */
export const tlsOnly = [
  "local all postgres trust",
  "local all all scram-sha-256",
  "hostssl all certified all cert",
  "hostssl all postgres all trust",
  "hostssl all,replication all all scram-sha-256",
];

/** Starts a server of the programs in `bin`, with this certificate, that accepts what `hba` says. */
export async function startTlsServer(
  { bin, cert, key, ca, hba = tlsOnly, listen = "127.0.0.1" }: {
    bin?: string;
    cert: string;
    key: string;
    ca: string;
    hba?: string[];
    listen?: string;
  },
): Promise<TlsServer> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-tls-server-" });
  const as = unprivilegedUser();
  const own = async (path: string, mode: number) => {
    await Deno.chmod(path, mode);
    if (as) await Deno.chown(path, as.uid, as.gid);
  };
  const put = async (name: string, text: string, mode: number) => {
    await Deno.writeTextFile(`${folder}/${name}`, text);
    await own(`${folder}/${name}`, mode);
  };
  await own(folder, 0o755);
  await put("server.crt", await Deno.readTextFile(cert), 0o644);
  await put("server.key", await Deno.readTextFile(key), 0o600);
  await put("ca.crt", await Deno.readTextFile(ca), 0o644);
  await put("pg_hba.conf", `${hba.join("\n")}\n`, 0o644);
  const server = await createDebianServer({
    ...(bin ? { bin } : {}),
    settings: [
      "ssl=on",
      `ssl_cert_file=${folder}/server.crt`,
      `ssl_key_file=${folder}/server.key`,
      `ssl_ca_file=${folder}/ca.crt`,
      `hba_file=${folder}/pg_hba.conf`,
      `unix_socket_directories=${folder}`,
      `listen_addresses=${listen}`,
    ],
  });
  await server.start();
  /** When the postmaster has read its files, as a new session inherits it; `reload` asks it to. */
  const loadedAt = async (reload: boolean) => {
    const sql = connectSql({
      target: {
        kind: "socket",
        directory: folder,
        port: server.port,
        user: "postgres",
        database: "postgres",
      },
      max: 1,
      applicationName: "test",
      statementTimeoutMs: 5_000,
      lockTimeoutMs: 1_000,
      pooled: false,
    });
    const [row] = await sql`select pg_conf_load_time()::text as at`;
    if (reload) await sql`select pg_reload_conf()`;
    await sql.end({ timeout: 1 });
    return row?.at as string;
  };
  return {
    ...server,
    sockets: folder,
    async change({ cert, key, hba }) {
      if (cert) await put("server.crt", await Deno.readTextFile(cert), 0o644);
      if (key) await put("server.key", await Deno.readTextFile(key), 0o600);
      if (hba) await put("pg_hba.conf", `${hba.join("\n")}\n`, 0o644);
      const before = await loadedAt(true);
      await eventually(async () => await loadedAt(false) !== before, "the files are read anew");
    },
    async remove() {
      await server.remove();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
