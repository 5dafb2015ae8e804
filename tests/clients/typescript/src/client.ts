import { ErrorCode } from "./generated/enums.js";
import type { TypedDocumentString } from "./generated/graphql.js";

/** What the service says where it does not do what was asked: the first of `errors`. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly extensions: {
      /** A newer service may have further codes. */
      code: ErrorCode | (string & {});
      /** Of `INVALID_INPUT`: where (a JSON Pointer into the input), and what. */
      problems?: { pointer: string; message: string }[];
      /** Of `RATE_LIMITED`: for how many seconds to wait. */
      retryAfter?: number;
    },
  ) {
    super(message);
  }
}

/** Sends generated operations. */
export class Client {
  /** Of the last sign-in or refresh. */
  accessToken: string | undefined;

  constructor(private readonly url: string) {}

  /** Gives the data, or throws an `ApiError`. */
  async send<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    ...[variables]: Variables extends Record<string, never> ? [] : [Variables]
  ): Promise<Data> {
    const headers: Record<string, string> = { Accept: "application/graphql-response+json, application/json" };
    if (this.accessToken) headers["Authorization"] = `Bearer ${this.accessToken}`;
    const file = Object.entries(variables ?? {}).find((entry): entry is [string, Blob] => entry[1] instanceof Blob);
    let body: string | FormData = JSON.stringify({ query: document.toString(), variables });
    if (file) {
      // https://github.com/jaydenseric/graphql-multipart-request-spec: a `Blob` is `{}` in JSON, and has to be null there.
      const [name, blob] = file;
      const form = new FormData();
      form.append("operations", JSON.stringify({ query: document.toString(), variables: { ...variables, [name]: null } }));
      form.append("map", JSON.stringify({ 0: [`variables.${name}`] }));
      form.append("0", blob);
      headers["GraphQL-Require-Preflight"] = "1";
      body = form;
    } else {
      headers["Content-Type"] = "application/json";
    }
    const response = await fetch(this.url, { method: "POST", headers, body });
    const { data, errors } = await response.json();
    if (errors) throw new ApiError(errors[0].message, errors[0].extensions);
    for (const place of document.__meta__?.["dates"] ?? []) makeDates(data, place.split("."));
    return data;
  }
}

/** Makes a `Date` of the text at this place, in each item of the lists on the way there. */
function makeDates(value: unknown, [name, ...rest]: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) makeDates(item, [name!, ...rest]);
  } else if (typeof value === "object" && value !== null && name !== undefined) {
    const members = value as Record<string, unknown>;
    const member = members[name];
    if (rest.length > 0) makeDates(member, rest);
    else if (typeof member === "string") members[name] = new Date(member);
  }
}
