/** Says whether a text has the form of a connection string; what it means is for db/address/ to judge. */
export function isConnectionString(text: string): boolean {
  if (text === "embedded") return true;
  if (!/^postgres(ql)?:\/\//.test(text)) return /^\s*[a-z_]+\s*=/.test(text);
  const authority = text.slice(text.indexOf("://") + 3).split(/[/?]/, 1)[0] ?? "";
  const hosts = authority.slice(authority.lastIndexOf("@") + 1).split(",");
  return hosts.every((host) => /^(\[[0-9a-f:.%]*\]|[^:[\]]*)(:\d*)?$/i.test(host));
}

/** Splits connection URLs that are separated by commas; a comma within a URL separates its hosts. */
export function splitUrls(text: string): string[] {
  return text.split(/,(?=\s*postgres(?:ql)?:\/\/)/).map((url) => url.trim()).filter(Boolean);
}

/** Variables of libpq that name a server, so that an embedded one is hardly meant. */
export const namingVariables = ["PGHOST", "PGHOSTADDR", "PGSERVICE"] as const;

/** The variables that complete a connection string: libpq's, and where files are looked for. */
export function connectionVariables(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const others = ["HOME", "USER", "LOGNAME", "DENO_CERT"];
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value && (/^PG[A-Z_]+$/.test(name) || others.includes(name)) ? [[name, value]] : []
    ),
  );
}
