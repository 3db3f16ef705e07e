// The MCP TypeScript SDK: given the address of a server and nothing else, it finds out the rest from the 401.

import {
  Client, ClientCredentialsProvider, DpopSession, PrivateKeyJwtProvider, StreamableHTTPClientTransport,
  UnauthorizedError, auth, discoverAuthorizationServerMetadata, fetchToken, withOAuth,
} from '@modelcontextprotocol/client'
import { expect } from './expecting.mjs'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

export const flows = {
  // The consent is widened once a tool wants more.
  async code(scene) {
    const host = new Host(scene, scene.apps.agent)
    const said = await use(scene, host, 'whoami')
    expect(said.includes(` by ${scene.apps.agent.client_id} with `), `to be known, not ${said}`)
    expect(!host.kept.scope.includes(scene.write), 'no more than the server asks for at first')
    expect(await use(scene, host, 'add_note', { text: 'by an agent' }) === 'noted: by an agent', 'a note')
    expect(host.kept.scope.includes(scene.write), 'more, once the user has been asked again')
  },

  async refresh(scene) {
    const host = new Host(scene, scene.apps.agent)
    await use(scene, host, 'whoami')
    const held = host.kept
    expect(await auth(host, { serverUrl: scene.server }) === 'AUTHORIZED', 'no person to be asked')
    expect(host.kept.access_token !== held.access_token, 'another access token')
    expect(host.kept.refresh_token !== held.refresh_token, 'another refresh token')
    await use(scene, host, 'read_notes')
  },

  async client_credentials(scene) {
    const { client_id: clientId, secret: clientSecret } = scene.apps.robot
    const job = new ClientCredentialsProvider({
      clientId, clientSecret, scope: scene.read, expectedIssuer: scene.issuer,
    })
    expect((await use(scene, job, 'whoami')).includes(` by ${clientId} with `), 'to be let in')
  },

  async private_key_jwt(scene) {
    const { client_id: clientId, key } = scene.apps.keyed
    const job = new PrivateKeyJwtProvider({
      clientId, privateKey: key, algorithm: 'ES256', scope: scene.read, expectedIssuer: scene.issuer,
    })
    expect((await use(scene, job, 'whoami')).includes(` by ${clientId} with `), 'to be let in')
  },

  // At the broker's own userinfo endpoint, which checks proofs.
  async dpop(scene) {
    const host = new Host(scene, scene.apps.public)
    const session = await DpopSession.create()
    host.dpop = () => session
    const endpoint = `${scene.issuer}/userinfo`
    const call = withOAuth(host, endpoint)(fetch)
    await auth(host, { serverUrl: endpoint })
    await comeBack(scene, host, endpoint)
    expect(host.kept.token_type.toLowerCase() === 'dpop', 'a token bound to the key')
    expect(session.nonceFor(endpoint), "the broker's nonce")
    expect((await (await call(endpoint)).json()).name.startsWith('Alice'), 'userinfo with a proof')
  },

  // By the hook in which a host prepares a grant of its own.
  async token_exchange(scene) {
    const host = new Host(scene, scene.apps.agent)
    const endpoint = `${scene.issuer}/userinfo`
    await auth(host, { serverUrl: endpoint, scope: scene.scope })
    await comeBack(scene, host, endpoint)
    host.prepareTokenRequest = () => new URLSearchParams({
      grant_type: EXCHANGE, subject_token: host.kept.access_token, subject_token_type: ACCESS_TOKEN, audience: 'demo',
    })
    const metadata = await discoverAuthorizationServerMetadata(scene.issuer)
    const theirs = await fetchToken(host, scene.issuer, { metadata })
    const answer = await fetch(scene.notes, { headers: { authorization: `Bearer ${theirs.access_token}` } })
    expect((await answer.json()).owner === 'alice', "the provider's data with the provider's token")
  },

  // It is told the server's address and nothing else: it discovers the broker from a bare 401, and registers.
  async registration(scene) {
    const host = new Host(scene)
    const said = await use(scene, host, 'whoami')
    expect(said.includes(` by ${host.client.client_id} with `), 'to be let in as a new app')
  },

  // The same, but its host has a document, and nobody registers anything.
  async cimd(scene) {
    const host = new Host(scene)
    host.clientMetadataUrl = scene.apps.documented.client_id
    expect((await use(scene, host, 'whoami')).includes(` by ${host.clientMetadataUrl} with `), 'to be let in')
  },
}

// What the SDK asks its host to do and keep; its browser is our person.
class Host {
  constructor(scene, app) {
    this.scene = scene
    this.redirectUrl = scene.callback
    this.client = app && { client_id: app.client_id, issuer: scene.issuer }
    this.clientMetadata = {
      client_name: 'Agent', redirect_uris: [scene.callback], token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    }
  }

  state() {
    this.expected ??= crypto.randomUUID()
    return this.expected
  }

  clientInformation() {
    return this.client
  }

  saveClientInformation(client) {
    this.client = client
  }

  tokens() {
    return this.kept
  }

  saveTokens(tokens) {
    this.kept = tokens
  }

  saveCodeVerifier(verifier) {
    this.verifier = verifier
  }

  codeVerifier() {
    return this.verifier
  }

  async redirectToAuthorization(url) {
    this.back = new URL(await this.scene.person(url)).searchParams
  }
}

// One tool of the server's; where a person has to be waited for the SDK stops, and goes on once they are back.
async function use(scene, host, name, args = {}) {
  for (let visits = 0; ; visits += 1) {
    const transport = new StreamableHTTPClientTransport(new URL(scene.server), { authProvider: host })
    const client = new Client({ name: 'agent', version: '1.0.0' })
    try {
      await client.connect(transport)
      const result = await client.callTool({ name, arguments: args })
      return result.content.map((one) => one.text).join(' ')
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || visits) throw error
      expect(host.back.get('state') === host.expected, 'our state')
      await transport.finishAuth(host.back)
    } finally {
      await client.close()
    }
  }
}

async function comeBack(scene, host, serverUrl) {
  expect(host.back?.get('state') === host.expected, 'our state')
  const [authorizationCode, iss] = [host.back.get('code'), host.back.get('iss')]
  expect(await auth(host, { serverUrl, authorizationCode, iss }) === 'AUTHORIZED', 'tokens')
}
