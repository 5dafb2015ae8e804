// The tabs that are there at first, in an order in which they can be run. The tests run each.
const json = (value) => JSON.stringify(value, null, 2);

export const examples = [
  {
    // GraphiQL shows the first tab without its variables.
    query: `# Who is signed in? Ctrl+Enter runs it.
# A click with Ctrl on a name tells
# what it is.
query Me {
  me {
    username
    mustAcceptTerms
    role { roleName }
    passions { order passionText }
    progress { completion nextGame }
  }
}
`,
  },
  {
    query: `# Makes an account, and signs in.
# The panel on the right does it as well,
# also with a passkey.
mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) {
    accessToken
    accessTokenExpires
    user { id username mustAcceptTerms }
  }
}
`,
    variables: json({ input: { email: 'camille@example.org', password: 'trois petits chats', username: 'camille' } }),
  },
  {
    query: `# What is to be accepted before playing.
query Terms {
  terms { version content }
}
`,
  },
  {
    query: `# Twice is as good as once.
mutation AcceptTerms($version: String!) {
  acceptTerms(version: $version) {
    dateAgreed
    terms { version }
  }
}
`,
    variables: json({ version: '1.0' }),
  },
  {
    query: `# Objects are merged with what is stored.
# The same saveId counts once: take
# another one for the next save.
mutation SaveGame($input: SaveScenarioGameInput!) {
  saveScenarioGame(input: $input) {
    id
    revision
    completion
    traits
  }
}
`,
    variables: json({ input: { saveId: 'my-first-save', traits: { empathie: 4 }, completion: 10 } }),
  },
  {
    query: `# Every play, the newest first, in pages.
# For the next page, put endCursor
# in place of null.
query Plays($first: Int!, $after: String) {
  me {
    plays(first: $first, after: $after) {
      nodes { id game completion revision dateUpdated }
      pageInfo { hasNextPage endCursor }
    }
  }
}
`,
    variables: json({ first: 5, after: null }),
  },
  {
    query: `# For administrators: see README.md,
# autrement admin create. Those whom
# they see are told so (auditLog).
query Users($first: Int!, $after: String) {
  users(first: $first, after: $after) {
    nodes { id username isActive role { roleName } progress { completion } }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    variables: json({ first: 20, after: null }),
  },
];
