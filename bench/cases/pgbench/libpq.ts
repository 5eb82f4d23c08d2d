/**
 * The functions of libpq, Postgres' C client library, that a benchmark needs. Each call blocks its thread, as in C. (Postgres
 * manual, "libpq — C Library": Database Connection Control, Command Execution.)
 */

const ok = 0; // CONNECTION_OK
const commandOk = 1; // PGRES_COMMAND_OK
const tuplesOk = 2; // PGRES_TUPLES_OK
const statement = cString("work");

function open(path: string) {
  return Deno.dlopen(path, {
    PQconnectdb: { parameters: ["buffer"], result: "pointer" },
    PQstatus: { parameters: ["pointer"], result: "i32" },
    PQerrorMessage: { parameters: ["pointer"], result: "pointer" },
    PQprepare: {
      parameters: ["pointer", "buffer", "buffer", "i32", "pointer"],
      result: "pointer",
    },
    PQexecPrepared: {
      parameters: ["pointer", "buffer", "i32", "buffer", "pointer", "pointer", "i32"],
      result: "pointer",
    },
    PQresultStatus: { parameters: ["pointer"], result: "i32" },
    PQntuples: { parameters: ["pointer"], result: "i32" },
    PQclear: { parameters: ["pointer"], result: "void" },
    PQfinish: { parameters: ["pointer"], result: "void" },
  });
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

export interface LibpqConnection {
  /** Runs the prepared query with integers from 0 as parameters and returns the number of rows. */
  query(params: ArrayLike<number>): number;
  close(): void;
}

/** Digits of the longest safe integer, and the zero byte after it. */
const numberBytes = 17;

/** Writes `value` in decimal from byte `at`, and a zero byte. A string for each query would cost more than the call. */
function writeNumber(into: Uint8Array, at: number, value: number): void {
  let end = at + 1;
  for (let power = 10; power <= value; power *= 10) end++;
  into[end] = 0;
  for (let rest = value; end > at; rest = Math.floor(rest / 10)) into[--end] = 48 + rest % 10;
}

/** Connects through the libpq at `path` and prepares `query`, which has `params` parameters. Throws the message of the server. */
export function connectLibpq(
  path: string,
  { conninfo, query, params }: { conninfo: string; query: string; params: number },
): LibpqConnection {
  const library = open(path);
  const pq = library.symbols;
  const connection = pq.PQconnectdb(cString(conninfo));
  const close = () => {
    pq.PQfinish(connection);
    library.close();
  };
  const lastError = () => {
    const text = pq.PQerrorMessage(connection);
    return new Error(text ? Deno.UnsafePointerView.getCString(text).trim() : "libpq said nothing");
  };
  const refuse = (): never => {
    const error = lastError();
    close();
    throw error;
  };
  if (pq.PQstatus(connection) !== ok) refuse();
  const prepared = pq.PQprepare(connection, statement, cString(query), params, null);
  const status = pq.PQresultStatus(prepared);
  pq.PQclear(prepared);
  if (status !== commandOk) refuse();

  const text = new Uint8Array(params * numberBytes);
  const start = Deno.UnsafePointer.value(Deno.UnsafePointer.of(text));
  const pointers = BigUint64Array.from(
    { length: params },
    (_, at) => BigInt(start) + BigInt(at * numberBytes),
  );
  return {
    query(values) {
      for (let at = 0; at < params; at++) writeNumber(text, at * numberBytes, values[at]!);
      const result = pq.PQexecPrepared(connection, statement, params, pointers, null, null, 0);
      const good = pq.PQresultStatus(result) === tuplesOk;
      const rows = pq.PQntuples(result);
      pq.PQclear(result);
      if (!good) throw lastError();
      return rows;
    },
    close,
  };
}
