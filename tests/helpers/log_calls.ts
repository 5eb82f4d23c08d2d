import ts from "typescript";
import { readSource, sourceFiles } from "./source_tree.ts";

const levels = ["debug", "info", "warn", "error"];

export interface LogCall {
  file: string;
  level: string;
  event: string;
  /** Names of fields that stand in the call itself; what is spread is not among them. */
  fields: string[];
}

function isLogger(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return /^log$|Log$|^logger$/.test(node.text);
  if (ts.isPropertyAccessExpression(node)) return /^#?log$|Log$/.test(node.name.text);
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    return node.expression.name.text === "child" && isLogger(node.expression.expression);
  }
  return false;
}

/** Returns the texts that an expression can be: of a literal, a template with unions left open, or either arm of `?:`. */
function textsOf(node: ts.Expression): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) {
    return [...textsOf(node.whenTrue), ...textsOf(node.whenFalse)];
  }
  if (ts.isTemplateExpression(node)) {
    return [node.head.text + node.templateSpans.map((span) => `*${span.literal.text}`).join("")];
  }
  return ["?"];
}

function fieldsOf(node: ts.Expression | undefined): string[] {
  if (!node) return [];
  if (!ts.isObjectLiteralExpression(node)) return [`(${node.getText()})`];
  return node.properties.map((property) =>
    ts.isSpreadAssignment(property)
      ? `...${property.expression.getText()}`
      : property.name?.getText() ?? "?"
  );
}

/** Returns every call of a logger in the product's code. */
export function logCalls(): LogCall[] {
  const calls: LogCall[] = [];
  for (const file of sourceFiles) {
    if (/^(tests|tools|bench|client)\//.test(file)) continue;
    const source = ts.createSourceFile(file, readSource(file), ts.ScriptTarget.Latest, true);
    const visit = (node: ts.Node): void => {
      if (
        ts.isCallExpression(node) && node.arguments[0] &&
        (ts.isPropertyAccessExpression(node.expression) ||
          ts.isElementAccessExpression(node.expression)) &&
        isLogger(node.expression.expression)
      ) {
        const found = ts.isPropertyAccessExpression(node.expression)
          ? [node.expression.name.text]
          : textsOf(node.expression.argumentExpression);
        if (found.every((level) => levels.includes(level) || level === "?")) {
          for (const event of textsOf(node.arguments[0])) {
            for (const level of found) {
              calls.push({ file, level, event, fields: fieldsOf(node.arguments[1]) });
            }
          }
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return calls;
}
