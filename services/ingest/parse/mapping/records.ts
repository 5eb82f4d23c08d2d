/** Splits one record by RFC 4180; undefined when a quote is not closed or misplaced. */
export function splitRecord(text: string, delimiter = ","): string[] | undefined {
  if (!text.includes('"')) return text.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = "";
      for (at++;; at++) {
        const end = text.indexOf('"', at);
        if (end < 0) return undefined;
        field += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        field += '"';
      }
      fields.push(field);
    } else {
      const parted = text.indexOf(delimiter, at);
      const field = text.slice(at, parted < 0 ? text.length : parted);
      if (field.includes('"')) return undefined;
      fields.push(field);
      at += field.length;
    }
    if (at >= text.length) return fields;
    if (text[at++] !== delimiter) return undefined;
  }
}
