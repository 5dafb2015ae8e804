import { ErrorCode } from "./generated/enums.js";
import { RefreshSessionDocument, type TypedDocumentString } from "./generated/graphql.js";

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

/** What a request without variables leaves out. */
type Given<Variables> = [Variables] extends [Record<string, never>] ? [] : [Variables];

/** Sends generated operations. */
export class Client {
  /** Of the last sign-in. In a browser there is no refresh token: a cookie is sent instead. */
  tokens: { accessToken: string; refreshToken: string | null } | undefined;

  constructor(private readonly url: string) {}

  /** Gives the data, or throws an `ApiError`. Where the access token is not good any more it gets a new one, and sends once more. */
  async send<Data, Variables>(document: TypedDocumentString<Data, Variables>, ...given: Given<NoInfer<Variables>>): Promise<Data> {
    try {
      return await this.request(document, given[0]);
    } catch (error) {
      if (!this.tokens || !(error instanceof ApiError) || error.extensions.code !== ErrorCode.Unauthenticated) throw error;
      const { refreshToken } = this.tokens;
      this.tokens = (await new Client(this.url).send(RefreshSessionDocument, { refreshToken })).refreshSession;
      return await this.request(document, given[0]);
    }
  }

  private async request<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables?: Variables): Promise<Data> {
    const headers: Record<string, string> = { Accept: "application/graphql-response+json, application/json" };
    if (this.tokens) headers["Authorization"] = `Bearer ${this.tokens.accessToken}`;
    const query = document.toString();
    const file = Object.entries(variables ?? {}).find((entry): entry is [string, Blob] => entry[1] instanceof Blob);
    let body: string | FormData;
    if (file) {
      // A form of three parts (https://github.com/jaydenseric/graphql-multipart-request-spec), null where the file belongs.
      const [name, content] = file;
      headers["GraphQL-Require-Preflight"] = "1";
      body = new FormData();
      body.append("operations", JSON.stringify({ query, variables: { ...variables, [name]: null } }));
      body.append("map", JSON.stringify({ 0: [`variables.${name}`] }));
      body.append("0", content);
    } else {
      headers["Content-Type"] = "application/json";
      body = JSON.stringify({ query, variables });
    }
    const response = await fetch(this.url, { method: "POST", headers, body, credentials: "include" });
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
