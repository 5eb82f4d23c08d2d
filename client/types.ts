import type { operations } from "./schema.ts";

/** The name of an operation of the API. */
export type OperationId = keyof operations;

/** A flag is "true" or "false" in a query; a boolean is accepted too. */
type Loose<Q> = { [K in keyof Q]: "true" extends Q[K] ? Q[K] | boolean : Q[K] };

type QueryOf<P> = P extends { query: infer Q } ? { query: Loose<Q> }
  : P extends { query?: infer Q } ? [Exclude<Q, undefined>] extends [never] ? unknown
    : { query?: Loose<Exclude<Q, undefined>> }
  : unknown;

type PathOf<P> = P extends { path: infer V } ? { path: V } : unknown;

type HeadersOf<P> = P extends { header?: infer H }
  ? [Exclude<H, undefined>] extends [never] ? unknown
  : { headers?: Exclude<H, undefined> }
  : unknown;

/** A body that is not JSON, sent unchanged. A stream cannot be retried. */
export type RawBody = string | Uint8Array | ReadableStream<Uint8Array>;

type BodyIn<C> = {
  [T in keyof C]: T extends "application/json" ? { body: C[T]; type?: T }
    : { body: RawBody; type: T };
}[keyof C];

type BodyOf<O> = O extends { requestBody: { content: infer C } } ? BodyIn<C>
  : O extends { requestBody?: infer B }
    ? Exclude<B, undefined> extends { content: infer C } ? BodyIn<C> | { body?: undefined }
    : unknown
  : unknown;

type InputOfOperation<O> = O extends { parameters: infer P }
  ? QueryOf<P> & PathOf<P> & HeadersOf<P> & BodyOf<O>
  : never;

/** The input of an operation: `path`, `query`, `headers` and `body`, as far as it has them. */
export type InputOf<Id extends OperationId> = InputOfOperation<operations[Id]>;

type ContentOf<R> = R extends { content: { "application/problem+json": unknown } } ? never
  : R extends { content: infer C } ? C[keyof C]
  : undefined;

/** Statuses of success; 304 answers only a request with an entity tag. */
type AnsweredStatus<Id extends OperationId> = Exclude<
  keyof operations[Id]["responses"],
  "default" | 304
>;

/** The answer of an operation on success; undefined when it has no body. */
export type AnswerOf<Id extends OperationId> = {
  [S in AnsweredStatus<Id>]: ContentOf<operations[Id]["responses"][S]>;
}[AnsweredStatus<Id>];

/** The arguments of a method; the input is optional when nothing in it is required. */
export type Arguments<Id extends OperationId, Options> = Record<never, never> extends InputOf<Id>
  ? [input?: InputOf<Id>, options?: Options]
  : [input: InputOf<Id>, options?: Options];

/** Operations that return pages. */
export type PagedId = {
  [Id in OperationId]: AnswerOf<Id> extends { next_cursor: string | null }
    ? InputOf<Id> extends { query?: infer Q }
      ? "cursor" extends keyof Exclude<Q, undefined> ? Id : never
    : never
    : never;
}[OperationId];
