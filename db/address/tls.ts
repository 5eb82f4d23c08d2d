import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { isIP } from "node:net";
import { StartError } from "../../errors.ts";
import { type Host, hostLabel, type TlsSettings } from "./address.ts";
import { type CertificateNames, describeNames, namesOf, standsFor } from "./certificate.ts";

/** Code of the error for a certificate that stands for another host than the one connected to. */
export const wrongName = "ERR_TLS_CERT_ALTNAME_INVALID";

/** Where systems keep their trusted roots: Debian, Red Hat, Alpine and macOS. */
const systemRoots = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];

function read(path: string, name: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new StartError(
      `DATABASE_URL: ${name} is ${JSON.stringify(path)}, which cannot be read`,
    );
  }
  if (text.includes("-----BEGIN ")) return text;
  throw new StartError(
    `DATABASE_URL: ${name} is ${JSON.stringify(path)}, which holds nothing in PEM`,
  );
}

/** Returns the file of the roots that the system trusts, or undefined where there is none. */
export function findSystemRoots(): { path: string; text: string } | undefined {
  for (const path of systemRoots) {
    try {
      const text = readFileSync(path, "utf8");
      if (text !== "") return { path, text };
    } catch {
      // another system's
    }
  }
  return undefined;
}

/** Returns the roots to check a server's chain with: `undefined` for those of the runtime. */
function rootsOf({ rootCert }: TlsSettings): string[] | undefined {
  if (!rootCert) return undefined;
  const text = rootCert === "system" ? findSystemRoots()?.text : read(rootCert, "sslrootcert");
  if (text === undefined) return undefined;
  const roots = text.match(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END[^-]+-----/g);
  if (!roots) {
    throw new StartError(
      `DATABASE_URL: sslrootcert is ${JSON.stringify(rootCert)}, which holds no certificate in PEM`,
    );
  }
  return roots;
}

/** Throws where a certificate stands for another host; without bytes to read nothing is proven. */
function checkName(raw: Uint8Array | undefined, host: Host): void {
  const names: CertificateNames = raw ? namesOf(raw) : { dns: [], ips: [], commonNames: [] };
  if (standsFor(names, host.name)) return;
  throw Object.assign(
    new Error(
      `the certificate of ${hostLabel(host)} is for ${describeNames(names)}, not for ${host.name}`,
    ),
    { code: wrongName },
  );
}

/**
 * Wraps a connected socket in TLS. With a root certificate the server's chain is checked, whatever the mode, as libpq
 * does; `verify-full` compares the certificate with the name or the address that was asked for. The comparison is made
 * here: the runtime takes "localhost" for the name where it is given a socket and no name, so that a certificate for
 * localhost stands for every address. Throws StartError for files that cannot be used.
 */
export async function startTls(
  plain: Socket,
  host: Host,
  tls: TlsSettings,
  signal: AbortSignal,
): Promise<Socket> {
  const ca = rootsOf(tls);
  const full = tls.mode === "verify-full";
  const options: ConnectionOptions = {
    socket: plain,
    host: host.name,
    rejectUnauthorized: full || tls.mode === "verify-ca" || ca !== undefined,
    checkServerIdentity: () => undefined,
    ...(tls.sni && isIP(host.name) === 0 ? { servername: host.name } : {}),
    ...(ca ? { ca } : {}),
    ...(tls.cert ? { cert: read(tls.cert, "sslcert") } : {}),
    ...(tls.cert && tls.key ? { key: read(tls.key, "sslkey") } : {}),
    ...(tls.keyPassword ? { passphrase: tls.keyPassword } : {}),
    ...(/^TLSv1\.[23]$/.test(tls.minVersion ?? "")
      ? { minVersion: tls.minVersion as "TLSv1.2" }
      : {}),
    ...(tls.maxVersion ? { maxVersion: tls.maxVersion as "TLSv1.2" } : {}),
    ...(tls.direct ? { ALPNProtocols: ["postgresql"] } : {}),
  };
  const secure = connectTlsOrRefuse(options, tls);
  try {
    await new Promise<void>((resolve, reject) => {
      secure.once("secureConnect", resolve);
      secure.once("error", reject);
      secure.once("close", () => reject(new Error("the server closed the connection during TLS")));
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      if (signal.aborted) reject(signal.reason);
    });
    if (full) checkName(secure.getPeerCertificate().raw, host);
    return secure;
  } catch (error) {
    secure.on("error", () => {});
    secure.destroy();
    throw error;
  }
}

/** Files that hold no key or certificate are noticed at once, by an error without a system's code. */
function connectTlsOrRefuse(options: ConnectionOptions, tls: TlsSettings) {
  try {
    return connectTls(options);
  } catch (cause) {
    throw new StartError(
      `DATABASE_URL: ${
        tls.cert ? "sslcert, sslkey or sslpassword" : "sslrootcert"
      } cannot be used (${cause instanceof Error ? cause.message : cause})`,
      { cause },
    );
  }
}
