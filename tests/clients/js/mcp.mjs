// The MCP TypeScript SDK: given the address of a server and nothing else, it finds out the rest from the 401.

import {
  ClientCredentialsProvider, DpopSession, PrivateKeyJwtProvider, auth, discoverAuthorizationServerMetadata, fetchToken, withOAuth,
} from '@modelcontextprotocol/client'
import { expect } from './expecting.mjs'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

export const flows = {
  async code(scene) {
    const host = new Host(scene, scene.apps.agent)
    await visit(scene, host)
    expect(host.kept.scope.split(' ').includes(scene.tools), 'the scope that the server named')
  },

  async refresh(scene) {
    const host = new Host(scene, scene.apps.agent)
    await visit(scene, host)
    const held = host.kept
    expect(await auth(host, { serverUrl: scene.server }) === 'AUTHORIZED', 'no person to be asked')
    expect(host.kept.access_token !== held.access_token, 'another access token')
    expect(host.kept.refresh_token !== held.refresh_token, 'another refresh token')
  },

  async client_credentials(scene) {
    const { client_id: clientId, secret: clientSecret } = scene.apps.robot
    const job = new ClientCredentialsProvider({
      clientId, clientSecret, scope: scene.tools, expectedIssuer: scene.issuer,
    })
    const answer = await withOAuth(job, scene.server)(fetch)(scene.server)
    expect(await answer.text() === `hello ${clientId}`, 'to be let in')
  },

  async private_key_jwt(scene) {
    const { client_id: clientId, key } = scene.apps.keyed
    const job = new PrivateKeyJwtProvider({
      clientId, privateKey: key, algorithm: 'ES256', scope: scene.tools, expectedIssuer: scene.issuer,
    })
    const answer = await withOAuth(job, scene.server)(fetch)(scene.server)
    expect(await answer.text() === `hello ${clientId}`, 'to be let in')
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

  // At the broker's own userinfo endpoint: what registers itself may ask for no other audience.
  async registration(scene) {
    const host = new Host(scene)
    const endpoint = `${scene.issuer}/userinfo`
    await auth(host, { serverUrl: endpoint })
    await comeBack(scene, host, endpoint)
    const answer = await withOAuth(host, endpoint)(fetch)(endpoint)
    expect(answer.status === 200 && host.client.client_id !== scene.apps.agent.client_id, 'to be let in as a new app')
  },

  // At the same place: the host says where its document is, and registers nowhere.
  async cimd(scene) {
    const host = new Host(scene)
    host.clientMetadataUrl = scene.apps.documented.client_id
    const endpoint = `${scene.issuer}/userinfo`
    await auth(host, { serverUrl: endpoint })
    await comeBack(scene, host, endpoint)
    const answer = await withOAuth(host, endpoint)(fetch)(endpoint)
    expect(answer.status === 200 && host.client.client_id === host.clientMetadataUrl, 'to be let in by the document')
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

// A first call without a token, the sign-in that its 401 leads to, and the call again.
async function visit(scene, host) {
  const call = withOAuth(host, scene.server)(fetch)
  await call(scene.server).catch(() => undefined) // the SDK stops where a person has to be waited for
  await comeBack(scene, host, scene.server)
  const answer = await call(scene.server)
  expect(await answer.text() === `hello ${host.client.client_id}`, 'to be let in')
}

async function comeBack(scene, host, serverUrl) {
  expect(host.back?.get('state') === host.expected, 'our state')
  const [authorizationCode, iss] = [host.back.get('code'), host.back.get('iss')]
  expect(await auth(host, { serverUrl, authorizationCode, iss }) === 'AUTHORIZED', 'tokens')
}
