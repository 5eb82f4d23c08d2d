const path = /^\/api\/databases\/([^/]+)\/(.+)$/;

/** Returns which database a path is of, and its path there; undefined for one that names none. */
export function databasePath(pathname: string): { name: string; path: string } | undefined {
  const parts = path.exec(pathname);
  if (!parts) return undefined;
  try {
    // The live channel is the one path of a database that is not below /api.
    const path = parts[2] === "ws" ? "/ws" : `/api/${parts[2]}`;
    return { name: decodeURIComponent(parts[1] ?? ""), path };
  } catch {
    return undefined;
  }
}

/** Keeps the caller at the database that it named: an address of an answer gets the prefix that the request had. */
export async function withPrefix(
  answer: Response | Promise<Response>,
  name: string,
): Promise<Response> {
  const response = await answer;
  const location = response.headers.get("location");
  if (!location?.startsWith("/api/")) return response;
  const headers = new Headers(response.headers);
  headers.set(
    "location",
    `/api/databases/${encodeURIComponent(name)}/${location.slice("/api/".length)}`,
  );
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}
