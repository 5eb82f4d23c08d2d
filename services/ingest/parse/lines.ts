import { HoldfastError } from "../../../errors.ts";

/** Bytes of one line: more than any tick needs, and a bound on memory. */
const lineMax = 64 * 1024;

function tooLong(line: number): HoldfastError {
  return new HoldfastError("malformed_body", `Line ${line} is longer than ${lineMax} characters`, {
    problems: [{ line, path: "line", message: `longer than ${lineMax} characters` }],
  });
}

/** Yields lines decoded from strict UTF-8. Throws a HoldfastError with the line of bytes that are not text. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string[]> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let line = 1;
  const decode = (chunk?: Uint8Array<ArrayBuffer>) => {
    try {
      return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode();
    } catch (cause) {
      throw new HoldfastError("malformed_body", "The body is not UTF-8 text", {
        problems: [{ line, path: "body", message: `Not UTF-8, at line ${line} or soon after` }],
        cause,
      });
    }
  };
  for await (const chunk of chunks) {
    const parts = (rest + decode(chunk)).split("\n");
    rest = parts.pop() ?? "";
    const long = parts.findIndex((part) => part.length > lineMax);
    if (long >= 0) throw tooLong(line + long);
    line += parts.length;
    if (rest.length > lineMax) throw tooLong(line);
    if (parts.length > 0) yield parts;
  }
  rest += decode();
  if (rest !== "") yield [rest];
}
