// A client of the MCP SDK for TypeScript, of its line 1 (@modelcontextprotocol/sdk) or 2 (@modelcontextprotocol/client).
//
//     TOKEN=... node typescript.mjs LINE URL PROTOCOL_VERSION
//
// Goes through what a client can do and prints what it saw as one JSON object. A URL that ends in /sse is spoken to
// over HTTP+SSE, any other over Streamable HTTP.
import { createRequire } from "node:module";

const [line, url, version] = process.argv.slice(2);
const require = createRequire(new URL("../../var/clients/package.json", import.meta.url));
const sdk = line === "1" ? lineOne() : require("@modelcontextprotocol/client");
const seen = { logs: [], progress: [] };

function lineOne() {
  const of = (path) => require(`@modelcontextprotocol/sdk/${path}`);
  return { ...of("client/index.js"), ...of("client/sse.js"), ...of("client/streamableHttp.js"), ...of("types.js") };
}

// Line 1 names a message by its schema, line 2 by its method.
function handle(client, method, answer) {
  const schemas = {
    "elicitation/create": "ElicitRequestSchema",
    "sampling/createMessage": "CreateMessageRequestSchema",
    "notifications/message": "LoggingMessageNotificationSchema",
  };
  const name = line === "1" ? sdk[schemas[method]] : method;
  if (method.startsWith("notifications/")) client.setNotificationHandler(name, answer);
  else client.setRequestHandler(name, answer);
}

async function call(client, name, args, options) {
  // In the 2026-07-28 era each request says which log messages it wants.
  const params = { name, arguments: args, _meta: { "io.modelcontextprotocol/logLevel": "info" } };
  const result = await (line === "1" ? client.callTool(params, undefined, options) : client.callTool(params, options));
  return result.content[0].text;
}

const client = new sdk.Client(
  { name: `typescript-${line}`, version: "1" },
  {
    capabilities: { elicitation: {}, sampling: {} },
    ...(version === "2026-07-28" ? { versionNegotiation: { mode: { pin: version } } } : {}),
  },
);
handle(client, "elicitation/create", async () => ({ action: "accept", content: { name: "Ada" } }));
handle(client, "sampling/createMessage", async () => ({
  role: "assistant",
  content: { type: "text", text: "Brief." },
  model: "none",
}));
handle(client, "notifications/message", async (message) => void seen.logs.push(message.params.data));

const Transport = url.endsWith("/sse") ? sdk.SSEClientTransport : sdk.StreamableHTTPClientTransport;
const transport = new Transport(new URL(url), {
  requestInit: { headers: { Authorization: `Bearer ${process.env.TOKEN}` } },
});
await client.connect(transport);
seen.server = client.getServerVersion().name;
seen.instructions = client.getInstructions();
seen.tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
seen.echo = await call(client, "echo", { text: "hello" });
const onprogress = ({ progress, total, message }) => seen.progress.push([progress, total, message]);
// Line 2 (2.4.0) drops progress that it reads in one piece with the result: it forgets the callback before it calls it.
seen.count = await call(client, "count_up", { to: 2, pause: 0.1 }, { onprogress });
seen.greet = await call(client, "greet", {});
seen.summary = await call(client, "summarize", { text: "A long story." });
seen.resource = (await client.readResource({ uri: "notes://welcome" })).contents[0].text;
seen.note = JSON.parse((await client.readResource({ uri: "notes://travel/2" })).contents[0].text);
seen.prompt = (await client.getPrompt({ name: "poem", arguments: { topic: "rain" } })).messages[0].content.text;
const poem = { type: "ref/prompt", name: "poem" };
seen.styles = (await client.complete({ ref: poem, argument: { name: "style", value: "s" } })).completion.values;
seen.refusal = await call(client, "weather_tool", { location: "x" }).catch((error) => error.message);
await transport.terminateSession?.();
await client.close();
console.log(JSON.stringify(seen));
