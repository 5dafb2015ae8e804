// Starts GraphiQL against the API beside it. A file of its own, since the page's policy allows no inline script.
const query = `# Sign up, then put the access token below under Headers: { "Authorization": "Bearer …" }
mutation SignUp {
  signUp(input: { email: "camille@example.org", password: "trois petits chats", username: "camille" }) {
    accessToken
    user { id username mustAcceptTerms }
  }
}

query Me {
  me {
    username
    role { roleName }
    passions { order passionText }
    progress { completion nextGame }
    plays(first: 5) { nodes { game completion dateUpdated } }
  }
}

mutation AcceptTerms {
  acceptTerms(version: "1.0") { dateAgreed }
}

mutation Save {
  saveScenarioGame(input: { saveId: "my-first-save", traits: { empathie: 1 }, completion: 10 }) {
    id revision traits
  }
}
`;
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher: GraphiQL.createFetcher({ url: '/graphql' }),
    defaultQuery: query,
    shouldPersistHeaders: false,
  }),
);
