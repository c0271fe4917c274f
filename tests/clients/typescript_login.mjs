// A login by the MCP SDK for TypeScript, of its line 1 or 2, as an application on a person's own machine does it.
//
//     BROWSER=... node typescript_login.mjs LINE URL PORT [CLIENT_ID]
//
// Without a client ID it registers itself. Starts BROWSER with the address to authorize at, waits on PORT for the answer,
// and prints what the tool `echo` returned. With PAUSE it waits so many seconds, and calls it again in the same session.
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const [line, url, port, clientId] = process.argv.slice(2);
const require = createRequire(new URL("../../var/clients/package.json", import.meta.url));
const of = (path) => require(`@modelcontextprotocol/sdk/client/${path}`);
const sdk =
  line === "1"
    ? { ...of("index.js"), ...of("sse.js"), ...of("streamableHttp.js"), ...of("auth.js") }
    : require("@modelcontextprotocol/client");

const redirectUrl = `http://127.0.0.1:${port}/oauth/callback`;
const answered = new Promise((resolve) => {
  const server = createServer((request, response) => {
    response.end("You may close this page.");
    server.close();
    resolve(new URL(request.url, redirectUrl).searchParams);
  }).listen(Number(port), "127.0.0.1");
});

const kept = { clientInformation: clientId && { client_id: clientId } };
const authProvider = {
  redirectUrl,
  clientMetadata: {
    client_name: `TypeScript ${line}`,
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  },
  clientInformation: () => kept.clientInformation,
  saveClientInformation: (information) => void (kept.clientInformation = information),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  redirectToAuthorization: (address) => void execFile(process.env.BROWSER, [String(address)]),
};

const connect = async (use) => {
  const Transport = url.endsWith("/sse") ? sdk.SSEClientTransport : sdk.StreamableHTTPClientTransport;
  const transport = new Transport(new URL(url), { authProvider });
  const client = new sdk.Client({ name: `typescript-${line}`, version: "1" });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!(error instanceof sdk.UnauthorizedError)) throw error;
    return transport;
  }
  await use(client);
  await client.close();
};

const call = async (client) => {
  const result = await client.callTool({ name: "echo", arguments: { text: "hello" } });
  console.log(result.content[0].text);
};
const callOften = async (client) => {
  await call(client);
  if (!process.env.PAUSE) return;
  await new Promise((resolve) => setTimeout(resolve, 1000 * Number(process.env.PAUSE)));
  await call(client);
};
const unauthorized = await connect(callOften);
if (unauthorized) {
  const answer = await answered;
  await unauthorized.finishAuth(line === "1" ? answer.get("code") : answer);
  await connect(callOften);
}
