#!/bin/sh
# A sign-in with curl, openssl and sed: authorization code and PKCE, a provider's token, and the revocation of both.
# The redirect goes to a port without a server: copy the URL from the browser's address bar.
set -eu

redirect_uri=http://127.0.0.1:9/callback
token_exchange=urn:ietf:params:oauth:grant-type:token-exchange
access_token_type=urn:ietf:params:oauth:token-type:access_token

random() { openssl rand 32 | base64url; }
base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
member() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }
parameter() { sed -n "s/.*[?&]$1=\([^&]*\).*/\1/p"; }
ask() { curl -sS --fail-with-body "$@"; }

verifier=$(random) state=$(random)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | base64url)
provider=${PROVIDER:-demo}
scope=$(echo "${SCOPE:-openid profile offline_access demo:notes:read}" | tr ' ' +)
echo "Open: $BROKER/authorize?response_type=code&client_id=$CLIENT_ID&redirect_uri=$redirect_uri&scope=$scope&state=$state&code_challenge=$challenge&code_challenge_method=S256&provider=$provider"

printf 'Paste the URL that the browser ended at: '
read -r answer
[ "$(echo "$answer" | parameter state)" = "$state" ] || { echo "That URL belongs to another sign-in." >&2; exit 1; }
code=$(echo "$answer" | parameter code)
[ -n "$code" ] || { echo "No code: $(echo "$answer" | parameter error)" >&2; exit 1; }

tokens=$(ask "$BROKER/token" -d grant_type=authorization_code -d "code=$code" -d "code_verifier=$verifier" \
  -d "redirect_uri=$redirect_uri" -d "client_id=$CLIENT_ID")
access_token=$(echo "$tokens" | member access_token)
refresh_token=$(echo "$tokens" | member refresh_token)

echo "User: $(ask "$BROKER/userinfo" -H "Authorization: Bearer $access_token" | member name)"
echo "Connections: $(ask "$BROKER/connections" -H "Authorization: Bearer $access_token")"

theirs=$(ask "$BROKER/token" -d grant_type=$token_exchange -d "audience=$provider" -d "client_id=$CLIENT_ID" \
  -d "subject_token=$access_token" -d subject_token_type=$access_token_type)
echo "A token of the provider for: $(echo "$theirs" | member scope)"

connection_id=$(echo "$theirs" | member connection_id)
echo "Revoked: $(ask -X DELETE "$BROKER/connections/$connection_id" -H "Authorization: Bearer $access_token")"
ask "$BROKER/revoke" -d "token=$refresh_token" -d "client_id=$CLIENT_ID" > /dev/null
echo "Signed out."
