import { createHash, createHmac } from "node:crypto";

/** What a signature of version 4 is made of (docs.aws.amazon.com, "Signature Calculations for the Authorization Header"). */
export interface Signed {
  method: string;
  /** As it stands in the request line. */
  path: string;
  query: [string, string][];
  /** Of the signed headers, by lower-case name. */
  headers: Record<string, string>;
  payload: string;
  date: string;
  region: string;
  secret: string;
}

const hash = (kind: "sha256" | "md5", bytes: string | Uint8Array) =>
  createHash(kind).update(bytes).digest();
const hmac = (key: string | Uint8Array, text: string) =>
  createHmac("sha256", key).update(text).digest();
const encode = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** The signature that a request shall have. */
export function signatureOf(
  { method, path, query, headers, payload, date, region, secret }: Signed,
): string {
  const names = Object.keys(headers).sort();
  const asked = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join("&");
  const canonical = [
    method,
    path,
    asked,
    ...names.map((name) => `${name}:${headers[name]?.trim()}`),
    "",
    names.join(";"),
    payload,
  ].join("\n");
  const day = date.slice(0, 8);
  const scope = `${day}/${region}/s3/aws4_request`;
  const key = [day, region, "s3", "aws4_request"].reduce<string | Uint8Array>(
    (last, step) => hmac(last, step),
    `AWS4${secret}`,
  );
  const text = ["AWS4-HMAC-SHA256", date, scope, hash("sha256", canonical).toString("hex")];
  return hmac(key, text.join("\n")).toString("hex");
}

interface Stored {
  bytes: Uint8Array<ArrayBuffer>;
  tag: string;
  sha256: string | null;
  at: Date;
}

interface Upload {
  key: string;
  sha256: string | null;
  at: Date;
  parts: Map<number, Stored>;
}

export interface Asked {
  method: string;
  key: string;
  query: URLSearchParams;
  bytes: number;
}

const region = "eu-central-1";
const bucket = "backups";
const minPartBytes = 5 * 1024 * 1024;
const pageKeys = 3;

class Refusal extends Error {
  constructor(readonly status: number, readonly code: string) {
    super(code);
  }
}

const xml = (name: string, inner: string) =>
  new Response(`<?xml version="1.0" encoding="UTF-8"?>\n<${name}>${inner}</${name}>`, {
    headers: { "content-type": "application/xml" },
  });

/**
 * An S3 in memory, as strict as the real one: signatures, hashes of bodies, sizes of parts, pages. It can be told to
 * refuse, to hang and to die.
 */
export function startStorage({ prefix = "holdfast/tests" }: { prefix?: string } = {}) {
  const keys = new Map([["AKIDHOLDFASTTESTS", "a secret of tests/with+signs"]]);
  const objects = new Map<string, Stored>();
  const uploads = new Map<string, Upload>();
  const asked: Asked[] = [];
  let meddle: (request: Asked) => Promise<Response | undefined> | Response | undefined = () =>
    undefined;
  let uploadCount = 0;

  function check(request: Request, url: URL, body: Uint8Array): void {
    const header = request.headers.get("authorization") ?? "";
    const [, id = "", day = "", place = "", names = "", signature] =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/
        .exec(header) ?? [];
    const secret = keys.get(id);
    if (!secret) throw new Refusal(403, "InvalidAccessKeyId");
    if (place !== region) throw new Refusal(400, "AuthorizationHeaderMalformed");
    const signed = names.split(";");
    for (const name of request.headers.keys()) {
      if ((name.startsWith("x-amz-") || name === "host") && !signed.includes(name)) {
        throw new Refusal(403, "AccessDenied");
      }
    }
    const payload = request.headers.get("x-amz-content-sha256") ?? "";
    const date = request.headers.get("x-amz-date") ?? "";
    const expected = signatureOf({
      method: request.method,
      path: url.pathname,
      query: [...url.searchParams],
      headers: Object.fromEntries(
        signed.map((name) => [name, request.headers.get(name) ?? ""]),
      ),
      payload,
      date,
      region,
      secret,
    });
    if (!date.startsWith(day) || signature !== expected) {
      throw new Refusal(403, "SignatureDoesNotMatch");
    }
    if (hash("sha256", body).toString("hex") !== payload) {
      throw new Refusal(400, "XAmzContentSHA256Mismatch");
    }
    const md5 = request.headers.get("content-md5");
    if (md5 && hash("md5", body).toString("base64") !== md5) throw new Refusal(400, "BadDigest");
  }

  const stored = (bytes: Uint8Array<ArrayBuffer>, sha256: string | null): Stored => ({
    bytes,
    tag: `"${hash("md5", bytes).toString("hex")}"`,
    sha256,
    at: new Date(),
  });

  function list(query: URLSearchParams): Response {
    const after = query.get("continuation-token") ?? "";
    const all = [...objects.keys()].sort()
      .filter((key) => key.startsWith(query.get("prefix") ?? "") && key > after);
    const page = all.slice(0, pageKeys);
    const contents = page.map((key) => {
      const { bytes, at, tag } = objects.get(key) as Stored;
      return `<Contents><Key>${key}</Key><LastModified>${at.toISOString()}</LastModified><ETag>${
        tag.replaceAll('"', "&quot;")
      }</ETag><Size>${bytes.length}</Size></Contents>`;
    });
    const more = all.length > page.length;
    return xml(
      "ListBucketResult",
      `<IsTruncated>${more}</IsTruncated>${
        more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ""
      }${contents.join("")}`,
    );
  }

  function listUploads(query: URLSearchParams): Response {
    const found = [...uploads].filter(([, { key }]) => key.startsWith(query.get("prefix") ?? ""));
    return xml(
      "ListMultipartUploadsResult",
      `<IsTruncated>false</IsTruncated>${
        found.map(([id, { key, at }]) =>
          `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${at.toISOString()}</Initiated></Upload>`
        ).join("")
      }`,
    );
  }

  function complete(key: string, id: string, body: string): Response {
    const upload = uploads.get(id);
    if (upload?.key !== key) throw new Refusal(404, "NoSuchUpload");
    const named = [...body.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)];
    const parts = named.map(([, number, tag = ""]) => {
      const part = upload.parts.get(Number(number));
      if (part?.tag !== tag.replaceAll("&quot;", '"')) throw new Refusal(400, "InvalidPart");
      return part.bytes;
    });
    if (parts.length === 0) throw new Refusal(400, "MalformedXML");
    if (parts.slice(0, -1).some(({ length }) => length < minPartBytes)) {
      throw new Refusal(400, "EntityTooSmall");
    }
    const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    objects.set(key, stored(whole, upload.sha256));
    uploads.delete(id);
    return xml("CompleteMultipartUploadResult", `<Key>${key}</Key>`);
  }

  function get(request: Request, key: string): Response {
    const found = objects.get(key);
    if (!found) throw new Refusal(404, "NoSuchKey");
    const range = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "");
    const match = request.headers.get("if-match");
    if (match && match !== found.tag) throw new Refusal(412, "PreconditionFailed");
    const bytes = found.bytes.subarray(Number(range?.[1] ?? 0));
    const headers = {
      etag: found.tag,
      "content-length": String(bytes.length),
      ...(found.sha256 ? { "x-amz-meta-sha256": found.sha256 } : {}),
    };
    return new Response(request.method === "HEAD" ? null : bytes, {
      status: range ? 206 : 200,
      headers,
    });
  }

  async function answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    const [, place, ...rest] = url.pathname.split("/");
    const key = decodeURIComponent(rest.join("/"));
    const one = { method: request.method, key, query: url.searchParams, bytes: body.length };
    asked.push(one);
    check(request, url, body);
    if (place !== bucket) throw new Refusal(404, "NoSuchBucket");
    const meddled = await meddle(one);
    if (meddled) return meddled;
    const sha256 = request.headers.get("x-amz-meta-sha256");
    const id = url.searchParams.get("uploadId");
    if (key === "") {
      return url.searchParams.has("uploads")
        ? listUploads(url.searchParams)
        : list(url.searchParams);
    }
    if (request.method === "PUT" && id !== null) {
      const upload = uploads.get(id);
      if (upload?.key !== key) throw new Refusal(404, "NoSuchUpload");
      const part = stored(body, null);
      upload.parts.set(Number(url.searchParams.get("partNumber")), part);
      return new Response(null, { headers: { etag: part.tag } });
    }
    if (request.method === "PUT") {
      objects.set(key, stored(body, sha256));
      return new Response(null, { headers: { etag: objects.get(key)?.tag ?? "" } });
    }
    if (request.method === "POST" && url.searchParams.has("uploads")) {
      const made = `upload-${++uploadCount}`;
      uploads.set(made, { key, sha256, at: new Date(), parts: new Map() });
      return xml("InitiateMultipartUploadResult", `<UploadId>${made}</UploadId>`);
    }
    if (request.method === "POST" && id !== null) {
      return complete(key, id, new TextDecoder().decode(body));
    }
    if (request.method === "DELETE") {
      if (id === null) objects.delete(key);
      else if (!uploads.delete(id)) throw new Refusal(404, "NoSuchUpload");
      return new Response(null, { status: 204 });
    }
    return get(request, key);
  }

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      try {
        return await answer(request);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        return new Response(
          request.method === "HEAD"
            ? null
            : `<Error><Code>${error.code}</Code><StringToSign>what was signed</StringToSign></Error>`,
          { status: error.status },
        );
      }
    },
  );
  const endpoint = `http://127.0.0.1:${server.addr.port}`;
  const [accessKeyId = "", secretAccessKey = ""] = [...keys][0] ?? [];
  return {
    place: { endpoint, bucket, prefix: `${prefix}/`, region, accessKeyId, secretAccessKey },
    /** The settings that lead there. */
    env: {
      HOLDFAST_S3_URL: `${endpoint}/${bucket}/${prefix}`,
      HOLDFAST_S3_ACCESS_KEY_ID: accessKeyId,
      HOLDFAST_S3_SECRET_ACCESS_KEY: secretAccessKey,
      HOLDFAST_S3_REGION: region,
    },
    objects,
    uploads,
    asked,
    /** From now on that is the secret of the key. */
    setSecret: (secret: string) => void keys.set(accessKeyId, secret),
    /** Asked before each answer: what it gives is answered in its place. */
    meddle: (how: typeof meddle) => void (meddle = how),
    heal: () => void (meddle = () => undefined),
    /** The keys of objects that end so. */
    find: (end: string) => [...objects.keys()].filter((key) => key.endsWith(end)).sort(),
    flip(key: string, at: number) {
      const { bytes } = objects.get(key) as Stored;
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    },
    stop: () => server.shutdown(),
  };
}

export type TestStorage = ReturnType<typeof startStorage>;
