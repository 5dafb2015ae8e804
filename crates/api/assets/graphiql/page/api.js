// Calls of the API.

/** What the API said no with. */
export class ApiError extends Error {
  constructor({ message, extensions = {} }) {
    super(message);
    this.name = 'ApiError';
    this.code = extensions.code;
    this.problems = extensions.problems ?? [];
    this.retryAfter = extensions.retryAfter;
  }
}

/** Sends a GraphQL request, and gives the answer whatever it says. */
export async function post(request, headers) {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
  });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    // Something in between answered, such as a proxy.
    return { errors: [{ message: `The answer is not JSON (status ${response.status}): ${text.slice(0, 200)}` }] };
  }
}

/** Asks for something as the person of this token, or as nobody. What goes wrong is thrown. */
export async function api(query, variables = {}, token = null) {
  // The page is in English; so are the errors that it shows.
  const headers = { accept: 'application/json', 'accept-language': 'en' };
  if (token) headers.authorization = `Bearer ${token}`;
  const { data, errors } = await post({ query, variables }, headers);
  if (errors) throw new ApiError(errors[0]);
  return data;
}
