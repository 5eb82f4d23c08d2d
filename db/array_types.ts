import type postgres from "postgres";

type Read = (text: string) => unknown;
type Write = (value: unknown) => string;

interface ArrayType {
  element: number;
  read: Read | undefined;
  write: Write;
}

const asText: Write = (value) => `${value}`;
const asNumber: Read = (text) => Number(text);
const asTime: Read = (text) => new Date(text);
const asJson: Read = (text) => JSON.parse(text);

const text: Omit<ArrayType, "element"> = { read: undefined, write: asText };
const number = { read: asNumber, write: asText };
const time = {
  read: asTime,
  write: (value: unknown) =>
    (value instanceof Date ? value : new Date(value as string)).toISOString(),
};
const json = { read: asJson, write: (value: unknown) => JSON.stringify(value) };
const boolean = {
  read: (value: string) => value === "t",
  write: (value: unknown) => value === true ? "t" : "f",
};

/** The built-in array types by OID; their OIDs, and those of their elements, are the same in every version (pg_type.dat). */
const arrayTypes: Readonly<Record<number, ArrayType>> = {
  199: { element: 114, ...json },
  1000: { element: 16, ...boolean },
  1002: { element: 18, ...text }, // "char"
  1003: { element: 19, ...text }, // name
  1005: { element: 21, ...number },
  1007: { element: 23, ...number },
  1009: { element: 25, ...text },
  1010: { element: 27, ...text }, // tid
  1011: { element: 28, ...text }, // xid
  271: { element: 5069, ...text }, // xid8
  1014: { element: 1042, ...text }, // bpchar
  1015: { element: 1043, ...text }, // varchar
  1016: { element: 20, ...text }, // int8: beyond what a number holds exactly
  1021: { element: 700, ...number },
  1022: { element: 701, ...number },
  1028: { element: 26, ...number },
  1034: { element: 1033, ...text }, // aclitem
  1041: { element: 869, ...text }, // inet
  1115: { element: 1114, ...time },
  1182: { element: 1082, ...time },
  1183: { element: 1083, ...text }, // time
  1185: { element: 1184, ...time },
  1187: { element: 1186, ...text }, // interval
  1231: { element: 1700, ...text }, // numeric
  1008: { element: 24, ...text }, // regproc
  2210: { element: 2205, ...text }, // regclass
  2211: { element: 2206, ...text }, // regtype
  2951: { element: 2950, ...text }, // uuid
  3221: { element: 3220, ...text }, // pg_lsn
  3807: { element: 3802, ...json },
  4090: { element: 4089, ...text }, // regnamespace
  4097: { element: 4096, ...text }, // regrole
};

/** Writes an array, of any number of dimensions, as the server reads it: `{"a","b"}`. */
function writeArray(values: readonly unknown[], write: Write): string {
  const items = values.map((value) => {
    if (value === null || value === undefined) return "null";
    if (Array.isArray(value)) return writeArray(value, write);
    return `"${write(value).replaceAll(/["\\]/g, "\\$&")}"`;
  });
  return `{${items.join(",")}}`;
}

/** Reads what follows the first brace of an array's text, as the driver hands it over. */
function readItems(rest: string, read: Read): unknown[] {
  // Bounds other than from 1 come before the items: [0:1]={…}.
  let at = /^[-\d:[\]]+=\{/.exec(rest)?.[0].length ?? 0;

  function quoted(): string {
    let value = "";
    for (at++; at < rest.length && rest[at] !== '"'; at++) {
      if (rest[at] === "\\") at++;
      value += rest[at] ?? "";
    }
    at++;
    return value;
  }

  function bare(): string {
    const from = at;
    while (at < rest.length && rest[at] !== "," && rest[at] !== "}") at++;
    return rest.slice(from, at);
  }

  function item(): unknown {
    if (rest[at] === "{") {
      at++;
      return items();
    }
    if (rest[at] === '"') return read(quoted());
    const value = bare();
    return value === "NULL" ? null : read(value);
  }

  function items(): unknown[] {
    const values: unknown[] = [];
    while (at < rest.length && rest[at] !== "}") {
      if (rest[at] === ",") at++;
      else values.push(item());
    }
    at++;
    return values;
  }

  return items();
}

/** How the driver reads and writes one array type; made once for all clients. */
const readers = new Map<number, Read>();
const writers = new Map<number, (value: unknown) => unknown>();
const arrayOf: Record<number, number> = {};
for (
  const [oid, { element, read = (value: string) => value, write }] of Object.entries(arrayTypes)
) {
  // The mark makes the driver leave out the first brace.
  readers.set(
    Number(oid),
    Object.assign((rest: string) => readItems(rest, read), { array: true }),
  );
  writers.set(
    Number(oid),
    (value) => Array.isArray(value) ? writeArray(value, write) : value,
  );
  arrayOf[element] = Number(oid);
}

/**
 * Teaches a client the built-in array types. The driver would read all array types of the database at the beginning of
 * each session, one for each table, and keep three functions for each in each client: with a few hundred tables, 0.1 to
 * 0.2 MB and a query per session. Arrays of other types arrive as text.
 */
export function addArrayTypes(sql: postgres.Sql): void {
  // The driver's types name neither the functions of array types nor what its clients share.
  const options = sql.options as unknown as {
    parsers: Record<number, Read>;
    serializers: Record<number, (value: unknown) => unknown>;
    shared: { typeArrayMap: Record<number, number> };
  };
  for (const [oid, read] of readers) options.parsers[oid] = read;
  for (const [oid, write] of writers) options.serializers[oid] = write;
  Object.assign(options.shared.typeArrayMap, arrayOf);
}
