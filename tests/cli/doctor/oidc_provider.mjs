// node-oidc-provider with nothing set but one client, until standard input ends: prints its issuer.
//   node oidc_provider.mjs NODE_MODULES CLIENT_ID REDIRECT_URI
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [modules, client_id, redirect_uri] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));

const client = { client_id, redirect_uris: [redirect_uri], token_endpoint_auth_method: "none" };
const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on("request", new Provider(issuer, { clients: [client] }).callback());
  console.log(issuer);
});
process.stdin.on("end", () => process.exit()).resume();
