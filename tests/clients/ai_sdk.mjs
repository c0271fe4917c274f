// The MCP client of the AI SDK (@ai-sdk/mcp).
//
//     TOKEN=... node ai_sdk.mjs URL TEXT ...
//
// Calls the tool `echo` with each TEXT, and prints as one JSON object the tools that were listed and what each call gave.
import { createRequire } from "node:module";

const [url, ...texts] = process.argv.slice(2);
const require = createRequire(new URL("../../var/clients/package.json", import.meta.url));
const { createMCPClient } = require("@ai-sdk/mcp");

const type = url.endsWith("/sse") ? "sse" : "http";
const client = await createMCPClient({
  transport: { type, url, headers: { Authorization: `Bearer ${process.env.TOKEN}` } },
});
const tools = await client.tools();
const told = [];
for (const text of texts) {
  const calling = tools.echo.execute({ text }, { toolCallId: "1", messages: [] });
  told.push(await calling.then(JSON.stringify, (error) => error.message));
}
console.log(JSON.stringify({ tools: Object.keys(tools), told }));
await client.close();
